"""list_imagenet_s, on trees of the form of ImageNet and ImageNetS919."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attribution.errors import InputError
from attribution.images import Dataset, Preprocessing, decode, list_imagenet_s
from attribution.tests.images import photo

WHERE = "study.toml: dataset"
TENCH, TOILET_TISSUE, SUNGLASS, SUNGLASSES = "n01440764", "n15075141", "n04355933", "n04356056"
FOUR = Preprocessing(size=4, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), fit="squash")


def numbered_mask(path: Path, numbers: list[list[int]]) -> Path:
    """An RGB PNG whose pixels are red + 256 green."""
    values = np.array(numbers)
    pixels = np.stack([values % 256, values // 256, np.zeros_like(values)], axis=-1).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return imagenet_tree(tmp_path)


def imagenet_tree(root: Path) -> Path:
    """Two images; of 919 synsets n01440764 is the first and n15075141 the last."""
    between = [f"n{number:08d}" for number in range(2_000_000, 2_000_917)]
    (root / "categories.txt").write_text("\n".join([TOILET_TISSUE, *between, TENCH]))
    (root / "synsets.txt").write_text(f"n00000001 other\n{TENCH} tench, Tinca tinca\n{TOILET_TISSUE} toilet tissue\n")
    photo(root / "validation" / TENCH / "ILSVRC2012_val_00000293.JPEG", (4, 2))
    photo(root / "validation" / TENCH / "ILSVRC2012_val_00000294.JPEG", (4, 2))
    photo(root / "validation" / TOILET_TISSUE / "ILSVRC2012_val_00001234.JPEG", (4, 2))
    masks = root / "validation-segmentation"
    numbered_mask(masks / TENCH / "ILSVRC2012_val_00000293.png", [[0, 1, 1, 1000], [0, 1, 919, 257]])
    numbered_mask(masks / TOILET_TISSUE / "ILSVRC2012_val_00001234.png", [[919, 919, 1000, 0], [151, 1, 1, 919]])
    return root


def listed(tree: Path, **changes: object) -> Dataset:
    options: dict[str, object] = {"synsets": tree / "synsets.txt", "categories": tree / "categories.txt"}
    return list_imagenet_s(
        tree / "validation",
        tree / "validation-segmentation",
        name="ImageNet-S",
        where=WHERE,
        **options | changes,  # type: ignore[arg-type]
    )


def masks_of(dataset: Dataset, cache: Path) -> list[list[list[int]]]:
    decoded = decode(dataset, FOUR, cache)
    assert decoded.unreadable == ()
    assert decoded.masks is not None
    return decoded.masks[:, ::2].astype(int).tolist()  # type: ignore[no-any-return]


def test_images_with_a_mask_are_the_data_set(tree: Path) -> None:
    dataset = listed(tree)
    assert [(sample.name, sample.label, sample.class_index) for sample in dataset.samples] == [
        (f"{TENCH}-ILSVRC2012_val_00000293", TENCH, 1),
        (f"{TOILET_TISSUE}-ILSVRC2012_val_00001234", TOILET_TISSUE, 2),
    ]
    assert dataset.counted == 3


def test_the_object_is_the_pixels_of_the_images_own_class(tree: Path) -> None:
    # 919 is 151 in red and 3 in green: 151 alone is another class.
    assert masks_of(listed(tree), tree) == [
        [[0, 1, 1, 0], [0, 1, 0, 0]],
        [[1, 1, 0, 0], [0, 0, 0, 1]],
    ]


def test_ignored_pixels_belong_to_the_object_on_request(tree: Path) -> None:
    assert masks_of(listed(tree, ignored_is_object=True), tree) == [
        [[0, 1, 1, 1], [0, 1, 0, 0]],
        [[1, 1, 1, 0], [0, 0, 0, 1]],
    ]


def test_fifty_folders_of_masks_tell_their_own_order(tree: Path) -> None:
    # 48 folders between the two: the tench stays number 1, the toilet tissue becomes number 50.
    masks = tree / "validation-segmentation"
    for number in range(48):
        (masks / f"n{2_000_000 + number:08d}").mkdir()
    numbered_mask(masks / TOILET_TISSUE / "ILSVRC2012_val_00001234.png", [[50, 0, 0, 0], [0, 0, 0, 0]])
    numbered_mask(masks / TENCH / "ILSVRC2012_val_00000293.png", [[0, 1, 0, 0], [0, 0, 0, 50]])
    assert masks_of(listed(tree, categories=None), tree) == [
        [[0, 1, 0, 0], [0, 0, 0, 0]],
        [[1, 0, 0, 0], [0, 0, 0, 0]],
    ]


def test_the_order_of_a_part_of_the_masks_is_asked_for(tree: Path) -> None:
    with pytest.raises(InputError, match=r"dataset\.categories: missing: .* has 2 of ImageNet-S's 50, 300 or 919"):
        listed(tree, categories=None)


def test_a_synset_that_the_categories_lack_is_named(tree: Path) -> None:
    (tree / "categories.txt").write_text(f"{TENCH}\n")
    with pytest.raises(InputError, match=rf"dataset\.categories: has no {TOILET_TISSUE}, which"):
        listed(tree)


def test_a_thousand_folders_tell_the_networks_order(tree: Path) -> None:
    for number in range(998):
        (tree / "validation" / f"n{2_000_000 + number:08d}").mkdir()
    dataset = listed(tree, synsets=None)
    assert dataset.classes == {0: TENCH, 999: TOILET_TISSUE}
    assert dataset.counted == 1000


def test_fewer_folders_need_the_networks_order(tree: Path) -> None:
    with pytest.raises(InputError, match=r"dataset\.synsets: missing: .* has 2 of ImageNet's 1,000 synset folders"):
        listed(tree, synsets=None)
    assert listed(tree, synsets=None, class_indices={TENCH: 0, TOILET_TISSUE: 999}).classes == {
        0: TENCH,
        999: TOILET_TISSUE,
    }


def test_two_orders_of_classes_are_refused(tree: Path) -> None:
    with pytest.raises(InputError, match=r"dataset\.class_indices: stands beside synsets: keep one of them"):
        listed(tree, class_indices={TENCH: 0, TOILET_TISSUE: 999})


def test_an_image_of_a_synset_that_another_took_in_keeps_its_own_label(tree: Path) -> None:
    photo(tree / "validation" / SUNGLASSES / "ILSVRC2012_val_00000777.JPEG", (4, 2))
    masks = tree / "validation-segmentation"
    numbered_mask(masks / SUNGLASS / "ILSVRC2012_val_00000777.png", [[0, 2, 2, 0], [0, 0, 0, 1]])
    (tree / "categories.txt").write_text(f"{TENCH}\n{SUNGLASS}\n{TOILET_TISSUE}\n")
    numbered_mask(masks / TENCH / "ILSVRC2012_val_00000293.png", [[0, 1, 0, 0], [0, 0, 0, 3]])
    numbered_mask(masks / TOILET_TISSUE / "ILSVRC2012_val_00001234.png", [[3, 0, 0, 0], [0, 0, 0, 0]])
    given = {TENCH: 0, SUNGLASS: 836, SUNGLASSES: 837, TOILET_TISSUE: 999}
    dataset = listed(tree, synsets=None, class_indices=given)
    assert dataset.classes[837] == SUNGLASSES
    assert masks_of(dataset, tree)[1] == [[0, 1, 1, 0], [0, 0, 0, 0]]


def test_a_mask_without_an_image_is_named(tree: Path) -> None:
    (tree / "validation" / TENCH / "ILSVRC2012_val_00000293.JPEG").unlink()
    with pytest.raises(InputError, match=rf"1 of 2 masks have no image below .* \({TENCH}/ILSVRC2012_val_00000293"):
        listed(tree)


def test_folders_without_synsets_are_refused(tree: Path) -> None:
    with pytest.raises(InputError, match=r"dataset\.masks: .*nowhere does not exist"):
        list_imagenet_s(tree / "validation", tree / "nowhere", name="x", where=WHERE)
    with pytest.raises(InputError, match=r"dataset\.masks: .* has no synset folders \(such as n01440764\)"):
        list_imagenet_s(tree / "validation", tree, name="x", where=WHERE)


def test_a_damaged_mask_is_named_and_its_image_left_out(tree: Path) -> None:
    photo(tree / "validation" / TENCH / "2.JPEG", (4, 2))
    damaged = tree / "validation-segmentation" / TENCH / "2.png"
    damaged.write_bytes(b"no image")
    dataset = listed(tree)
    assert len(dataset.samples) == 2
    assert dataset.unreadable[0].startswith(f"{damaged}: cannot identify")


def test_a_mask_with_grey_pixels_is_named_when_it_is_read(tree: Path) -> None:
    mask = tree / "validation-segmentation" / TENCH / "ILSVRC2012_val_00000293.png"
    Image.fromarray(np.ones((2, 4), dtype=np.uint8)).save(mask)
    decoded = decode(listed(tree), FOUR, tree / "cache")
    assert decoded.unreadable == (f"{mask}: has L pixels: keep the data set's own RGB file",)
