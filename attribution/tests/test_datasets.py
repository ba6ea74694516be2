"""list_dataset: which keys go with which layout, and what each layout makes of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from attribution.config import DatasetConfig
from attribution.datasets import LAYOUTS, list_dataset, only_classes
from attribution.errors import InputError
from attribution.images import Dataset, Sample

HERE = Path("nowhere")


def dataset_config(layout: str, **keys: object) -> DatasetConfig:
    return DatasetConfig(name="X", layout=layout, images=HERE, **keys)  # type: ignore[arg-type]


def test_every_layout_of_the_config_is_registered() -> None:
    assert list(LAYOUTS) == list(get_args(get_type_hints(DatasetConfig)["layout"]))


@pytest.mark.parametrize(
    ("layout", "keys", "message"),
    [
        ("folder", {"table": HERE}, r"dataset\.table: goes with layout = csv, not folder: drop it"),
        ("csv", {"boxes": HERE}, r"dataset\.boxes: goes with layout = folder, not csv"),
        ("voc", {"masks": HERE}, r"dataset\.masks: goes with layout = folder or csv or imagenet_s, not voc"),
        ("coco", {"subset": "val"}, r"dataset\.subset: goes with layout = voc or oxford_pets, not coco"),
        ("coco", {"undecided": "object"}, r"dataset\.undecided: goes with layout = imagenet_s or voc or oxford_pets"),
        ("oxford_pets", {"minimum_area": 0.2}, r"dataset\.minimum_area: goes with layout = voc or coco"),
        ("imagenet_s", {"several_classes": "skip"}, r"dataset\.several_classes: goes with layout = voc or coco"),
        ("voc", {"synsets": HERE}, r"dataset\.synsets: goes with layout = imagenet_s, not voc"),
        ("folder", {"annotations": HERE}, r"dataset\.annotations: goes with layout = coco, not folder"),
        ("csv", {}, r'dataset\.table: missing: layout = "csv" needs the CSV file'),
        ("coco", {}, r'dataset\.annotations: missing: layout = "coco" needs the JSON of instances'),
        ("imagenet_s", {}, r'dataset\.masks: missing: layout = "imagenet_s" needs the folder of ImageNet-S masks'),
        ("voc", {}, r"dataset\.images: nowhere does not exist: give the path of an existing folder"),
        ("oxford_pets", {}, r"dataset\.images: nowhere does not exist"),
    ],
)
def test_a_key_that_does_not_go_with_the_layout_is_refused(
    layout: str, keys: Mapping[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=rf"^study\.toml: {message}"):
        list_dataset(dataset_config(layout, **keys), "study.toml")


def test_some_classes_of_a_data_set_keep_what_is_known_of_the_whole() -> None:
    samples = tuple(Sample(label, Path(label), label, index) for index, label in enumerate(("cat", "dog")))
    whole = Dataset("X", samples, ("1.jpg: damaged",), "digest", counted=20)
    assert only_classes(whole, ("dog",), "dataset") == Dataset(
        "X", samples[1:], ("1.jpg: damaged",), "digest", counted=20
    )
