"""A run on the layout of Pascal VOC, from the config to the splits."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attribution.errors import InputError
from attribution.progress import silent
from attribution.run import Run, prepare
from attribution.tests.images import palette_mask
from attribution.tests.small_run import CLASSES

# The shapes of the small run stand for these classes, which are not the first ones of VOC.
STANDS_FOR = dict(zip(CLASSES, ("boat", "car", "dog", "train"), strict=True))
NUMBERS = {"boat": 4, "car": 7, "dog": 12, "train": 19}
VOID = 255


@pytest.fixture
def voc_run(small_run: Path) -> Path:
    """The small run's pictures as VOCdevkit/VOC2012, each object in a ring of void."""
    root = small_run.parent / "VOCdevkit" / "VOC2012"
    (root / "JPEGImages").mkdir(parents=True)
    stems: list[str] = []
    for picture in sorted((small_run.parent / "images").rglob("*.png")):
        label = STANDS_FOR[picture.parent.name]
        stem = f"2007_{len(stems):06d}"
        stems.append(stem)
        Image.open(picture).save(root / "JPEGImages" / f"{stem}.jpg", quality=95)
        inside = np.asarray(Image.open(small_run.parent / "masks" / picture.parent.name / picture.name)) > 0
        numbers = np.where(inside, NUMBERS[label], 0)
        numbers[0] = VOID
        palette_mask(root / "SegmentationClass" / f"{stem}.png", numbers.tolist())
    (root / "ImageSets" / "Segmentation").mkdir(parents=True)
    (root / "ImageSets" / "Segmentation" / "trainval.txt").write_text("\n".join(stems))
    text = small_run.read_text()
    old = 'layout = "folder"\nimages = "images"\nmasks = "masks"\n'
    assert old in text
    small_run.write_text(
        text.replace(
            old,
            'layout = "voc"\nimages = "VOCdevkit/VOC2012"\nclass_indices = { boat = 0, car = 1, dog = 2, train = 3 }\n',
        )
    )
    return small_run


def prepared(config: Path, tmp_path: Path) -> Run:
    return prepare(config, tmp_path / "out", resume=False, device="cpu", progress=silent)


def test_a_voc_tree_is_made_ready_with_its_masks(voc_run: Path, tmp_path: Path) -> None:
    run = prepared(voc_run, tmp_path)
    assert run.dataset.classes == {0: "boat", 1: "car", 2: "dog", 3: "train"}
    assert len(run.dataset.samples) == 40
    assert run.decoded.masks is not None
    for index, sample in enumerate(run.dataset.samples):
        numbers = np.asarray(Image.open(voc_run.parent / f"VOCdevkit/VOC2012/SegmentationClass/{sample.path.stem}.png"))
        assert np.array_equal(run.decoded.masks[index], numbers == NUMBERS[sample.label])
    assert {name: len(view.members) for name, view in run.originals["SmallCNN"].splits.items()} == {
        "train": 16,
        "validation": 12,
        "export": 12,
    }


def test_without_indices_the_network_must_have_vocs_twenty_classes(voc_run: Path, tmp_path: Path) -> None:
    text = voc_run.read_text()
    voc_run.write_text(text.replace("class_indices = { boat = 0, car = 1, dog = 2, train = 3 }\n", ""))
    with pytest.raises(InputError, match=r"class 'train' has index 18, but network SmallCNN has 4 classes"):
        prepared(voc_run, tmp_path)
