"""list_dataset: which keys go with which layout, and what each layout makes of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from attribution.config import DatasetConfig, read_config
from attribution.datasets import LAYOUTS, list_dataset, only_classes
from attribution.errors import InputError
from attribution.images import Dataset, Sample
from attribution.tests.images import class_folders
from attribution.tests.test_images_coco import BLOCK, CAT, PERSON, annotation, coco
from attribution.tests.test_images_imagenet_s import TENCH, imagenet_tree
from attribution.tests.test_images_oxford_pets import pets_tree
from attribution.tests.test_images_voc import BOTH, voc

HERE = Path("nowhere")

STUDY = """
name = "study"
title = "A study"
seed = 0
pairs = 1
attributors = ["GradCAM"]
network = { name = "N", spec = "torchvision:resnet18" }
metrics = [{ name = "RMA" }]
"""


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
    config = dataset_config("folder", classes=["dog"])
    assert only_classes(whole, config, 1, "dataset") == Dataset(
        "X", samples[1:], ("1.jpg: damaged",), "digest", counted=20
    )


def areas(text: str, tmp_path: Path) -> dict[str, int]:
    """Name of each sample -> pixels of its object, for a dataset table in a config."""
    (tmp_path / "study.toml").write_text(f"{STUDY}\n[dataset]\nname = 'X'\n{text}")
    config = read_config(tmp_path / "study.toml").dataset
    samples = list_dataset(config, "study.toml").samples
    return {sample.name: int(sample.mask.read().sum()) for sample in samples if sample.mask is not None}


def test_voc_is_read_as_the_config_says(tmp_path: Path) -> None:
    voc(tmp_path / "VOC2012", {"both": BOTH, "cat": [[8, 255], [0, 0]]}, subset="val")
    text = "layout = 'voc'\nimages = 'VOC2012'\nsubset = 'val'\n"
    assert areas(text, tmp_path) == {"both": 6, "cat": 1}
    assert areas(f"{text}several_classes = 'skip'\nundecided = 'object'", tmp_path) == {"cat": 2}
    assert areas(f"{text}minimum_area = 0.2", tmp_path) == {"cat": 1}


def test_coco_is_read_as_the_config_says(tmp_path: Path) -> None:
    entries = [annotation(1, 1, CAT, [BLOCK]), annotation(2, 2, CAT, [BLOCK]), annotation(3, 2, PERSON, [BLOCK])]
    coco(tmp_path, entries, pictures=2)
    text = "layout = 'coco'\nimages = 'val2017'\nannotations = 'annotations/instances_val2017.json'\n"
    assert areas(text, tmp_path) == {"000000000001": 6, "000000000002": 6}
    assert areas(f"{text}several_classes = 'skip'", tmp_path) == {"000000000001": 6}


def test_oxford_pets_are_read_as_the_config_says(tmp_path: Path) -> None:
    pets_tree(tmp_path / "pets")
    text = "layout = 'oxford_pets'\nimages = 'pets'\nsubset = 'test'\n"
    assert areas(text, tmp_path) == {"american_bulldog_8": 2}
    assert areas(f"{text}undecided = 'object'", tmp_path) == {"american_bulldog_8": 10}


def test_imagenet_s_is_read_as_the_config_says(tmp_path: Path) -> None:
    imagenet_tree(tmp_path)
    text = (
        "layout = 'imagenet_s'\nimages = 'validation'\nmasks = 'validation-segmentation'\n"
        "categories = 'categories.txt'\nsynsets = 'synsets.txt'\n"
    )
    name = f"{TENCH}-ILSVRC2012_val_00000293"
    assert areas(text, tmp_path)[name] == 3
    assert areas(f"{text}undecided = 'object'", tmp_path)[name] == 4


@pytest.mark.parametrize("layout", ["folder", "csv", "voc", "coco", "oxford_pets", "imagenet_s"])
def test_only_the_classes_that_are_kept_need_an_index(tmp_path: Path, layout: str) -> None:
    voc(tmp_path / "VOC2012", {"person": [[15, 0], [0, 0]], "cat": [[8, 255], [0, 0]]})
    coco(tmp_path, [annotation(1, 1, CAT, [BLOCK]), annotation(2, 2, PERSON, [BLOCK])], pictures=2)
    pets_tree(tmp_path / "pets")
    imagenet_tree(tmp_path)
    class_folders(tmp_path, ["cat", "dog"], 1, masks=True)
    (tmp_path / "table.csv").write_text("file,label,mask\ncat/0.png,cat,cat/0.png\ndog/0.png,dog,dog/0.png\n")
    places, label = {
        "folder": ("images = 'images'\nmasks = 'masks'", "cat"),
        "csv": (
            "images = 'images'\nmasks = 'masks'\ntable = 'table.csv'\n"
            "columns = { image = 'file', label = 'label', mask = 'mask' }",
            "cat",
        ),
        "voc": ("images = 'VOC2012'", "cat"),
        "coco": ("images = 'val2017'\nannotations = 'annotations/instances_val2017.json'", "cat"),
        "oxford_pets": ("images = 'pets'", "Abyssinian"),
        "imagenet_s": (
            "images = 'validation'\nmasks = 'validation-segmentation'\ncategories = 'categories.txt'",
            TENCH,
        ),
    }[layout]
    text = f"layout = '{layout}'\n{places}\nclass_indices = {{ {label} = 3 }}\n"
    with pytest.raises(InputError, match=r"dataset\.class_indices: no index for class"):
        areas(text, tmp_path)
    assert len(areas(f"{text}classes = ['{label}']", tmp_path)) == 1
    with pytest.raises(InputError, match=r"dataset\.classes: unknown class 'x'"):
        areas(f"{text}classes = ['x']", tmp_path)


@pytest.mark.parametrize("layout", ["folder", "csv"])
def test_a_class_that_is_kept_has_its_place_among_all(tmp_path: Path, layout: str) -> None:
    class_folders(tmp_path, ["cat", "dog", "eel"], 2)
    rows = [f"{label}/{place}.png,{label}\n" for label in ("cat", "dog", "eel") for place in range(2)]
    (tmp_path / "table.csv").write_text("".join(["file,label\n", *rows]))
    table = {"table": tmp_path / "table.csv", "columns": {"image": "file", "label": "label"}}
    config = DatasetConfig(
        name="X",
        layout=layout,  # type: ignore[arg-type]
        images=tmp_path / "images",
        classes=("dog",),
        **(table if layout == "csv" else {}),  # type: ignore[arg-type]
    )
    dataset = list_dataset(config, "study.toml")
    assert (dataset.classes, len(dataset.samples), dataset.counted) == ({1: "dog"}, 2, 3)


def test_what_is_wrong_with_a_class_that_is_left_out_does_not_matter(tmp_path: Path) -> None:
    class_folders(tmp_path, ["cat", "dog"], 1, masks=True)
    (tmp_path / "masks" / "dog" / "0.png").unlink()
    (tmp_path / "images" / "eel").mkdir()
    text = "layout = 'folder'\nimages = 'images'\nmasks = 'masks'\n"
    with pytest.raises(InputError, match="no images in class eel"):
        areas(text, tmp_path)
    assert list(areas(f"{text}classes = ['cat']", tmp_path)) == ["cat-0"]


def test_masks_of_a_table_without_a_column_for_them_are_refused(tmp_path: Path) -> None:
    class_folders(tmp_path, ["cat"], 1, masks=True)
    (tmp_path / "table.csv").write_text("file,label\ncat/0.png,cat\n")
    text = "layout = 'csv'\nimages = 'images'\ntable = 'table.csv'\ncolumns = { image = 'file', label = 'label' }\n"
    with pytest.raises(InputError, match=r"dataset\.masks: is not read without columns\.mask: name that column"):
        areas(f"{text}masks = 'masks'", tmp_path)
