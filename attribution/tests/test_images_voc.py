"""list_voc, on a tree of the form of VOCdevkit/VOC2012."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attribution.errors import InputError
from attribution.images import Dataset, Preprocessing, decode, list_voc
from attribution.images.voc import VOC_CLASSES
from attribution.tests.images import palette_mask, photo

WHERE = "study.toml: dataset"
CAT, PERSON, VOID = 8, 15, 255
SIX = Preprocessing(size=6, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), fit="squash")

# A cat of 2 x 3 pixels in its ring of void, and a person of 3 pixels in the corner.
BOTH = [
    [0, 0, 0, 0, 15, 15],
    [0, 255, 255, 255, 255, 15],
    [0, 255, 8, 8, 255, 0],
    [0, 255, 8, 8, 255, 0],
    [0, 255, 8, 8, 255, 0],
    [0, 255, 255, 255, 255, 0],
]


def voc(root: Path, masks: dict[str, list[list[int]]], subset: str = "trainval") -> Path:
    """A VOC2012 folder with an image, a palette mask and a line in the list for each name."""
    for seed, (stem, numbers) in enumerate(masks.items()):
        size = (len(numbers[0]), len(numbers))
        photo(root / "JPEGImages" / f"{stem}.jpg", size, seed=seed)
        palette_mask(root / "SegmentationClass" / f"{stem}.png", numbers)
        palette_mask(root / "SegmentationObject" / f"{stem}.png", [[1] * size[0]] * size[1])
    listing = root / "ImageSets" / "Segmentation" / f"{subset}.txt"
    listing.parent.mkdir(parents=True)
    listing.write_text("".join(f"{stem}\n" for stem in masks))
    return root


def listed(root: Path, **options: object) -> Dataset:
    return list_voc(root, name="VOC", where=WHERE, **options)  # type: ignore[arg-type]


def only_mask(root: Path, cache: Path, **options: object) -> list[list[int]]:
    decoded = decode(listed(root, **options), SIX, cache)
    assert decoded.unreadable == ()
    assert decoded.masks is not None
    return decoded.masks[0].astype(int).tolist()  # type: ignore[no-any-return]


def test_an_image_gets_the_class_that_covers_most_of_it(tmp_path: Path) -> None:
    dataset = listed(voc(tmp_path, {"2007_000033": BOTH}))
    (sample,) = dataset.samples
    assert (sample.name, sample.label, sample.class_index) == ("2007_000033", "cat", 7)
    assert dataset.counted == 20
    assert dataset.unreadable == ()


def test_the_object_is_the_pixels_of_the_class_without_the_void_around_them(tmp_path: Path) -> None:
    assert only_mask(voc(tmp_path / "voc", {"a": BOTH}), tmp_path) == [
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 0, 0],
        [0, 0, 1, 1, 0, 0],
        [0, 0, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ]


def test_void_pixels_belong_to_the_object_on_request(tmp_path: Path) -> None:
    assert only_mask(voc(tmp_path / "voc", {"a": BOTH}), tmp_path, void_is_object=True) == [
        [0, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 1, 0],
        [0, 1, 1, 1, 1, 0],
        [0, 1, 1, 1, 1, 0],
        [0, 1, 1, 1, 1, 0],
        [0, 1, 1, 1, 1, 0],
    ]


def test_images_of_several_classes_are_skipped_on_request_and_counted(tmp_path: Path) -> None:
    root = voc(tmp_path, {"both": BOTH, "cat": [[8, 0], [0, 0]]})
    dataset = listed(root, several_classes="skip")
    assert [sample.name for sample in dataset.samples] == ["cat"]
    assert dataset.unreadable == (f"{root}: 1 images left out: objects of several classes (both)",)


def test_a_class_below_the_least_area_does_not_count(tmp_path: Path) -> None:
    # The person covers 3 of 36 pixels, the cat 6.
    root = voc(tmp_path, {"both": BOTH})
    assert listed(root, several_classes="skip", minimum_area=0.1).samples[0].label == "cat"
    with pytest.raises(InputError, match=r"no image of .*trainval\.txt is left \(.*no object is large enough \(both\)"):
        listed(root, minimum_area=0.2)


def test_the_networks_own_indices_are_taken(tmp_path: Path) -> None:
    root = voc(tmp_path, {"a": BOTH})
    assert listed(root, class_indices={"cat": 281}).classes == {281: "cat"}
    with pytest.raises(InputError, match=r"dataset\.class_indices: no index for class cat: add it"):
        listed(root, class_indices={"dog": 1})


def test_the_classes_are_numbered_from_aeroplane_to_tvmonitor() -> None:
    assert len(VOC_CLASSES) == 20
    assert (VOC_CLASSES[CAT - 1], VOC_CLASSES[PERSON - 1]) == ("cat", "person")
    assert list(VOC_CLASSES) == sorted(VOC_CLASSES)


def test_a_subset_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    root = voc(tmp_path, {"a": BOTH}, subset="val")
    with pytest.raises(InputError, match=r"dataset\.subset: .*test\.txt does not exist: .*Segmentation has val\.txt"):
        listed(root, subset="test")


@pytest.mark.parametrize("lost", ["JPEGImages/a.jpg", "SegmentationClass/a.png"])
def test_a_missing_file_is_named(tmp_path: Path, lost: str) -> None:
    root = voc(tmp_path, {"a": BOTH, "b": BOTH})
    (root / lost).unlink()
    with pytest.raises(InputError, match=rf"dataset\.images: 1 of 2 files do not exist \(.*{lost}\)"):
        listed(root)


def test_a_name_that_is_listed_twice_is_refused(tmp_path: Path) -> None:
    root = voc(tmp_path, {"a": BOTH})
    (root / "ImageSets" / "Segmentation" / "trainval.txt").write_text("a\nb\na\n")
    with pytest.raises(InputError, match=r"trainval\.txt lists a in lines 1 and 3: keep one"):
        listed(root)


def test_a_damaged_mask_is_named_and_its_image_left_out(tmp_path: Path) -> None:
    root = voc(tmp_path, {"a": BOTH, "b": BOTH})
    mask = root / "SegmentationClass" / "a.png"
    mask.write_bytes(mask.read_bytes()[:60])
    dataset = listed(root)
    assert [sample.name for sample in dataset.samples] == ["b"]
    assert [entry.split(": ")[0] for entry in dataset.unreadable] == [str(mask)]


def test_a_damaged_image_is_named_and_left_out(tmp_path: Path) -> None:
    root = voc(tmp_path, {"a": BOTH, "b": BOTH})
    (root / "JPEGImages" / "a.jpg").write_bytes(b"no image")
    dataset = listed(root)
    assert [sample.name for sample in dataset.samples] == ["b"]
    assert [entry.split(": ")[0] for entry in dataset.unreadable] == [str(root / "JPEGImages" / "a.jpg")]


def test_a_mask_saved_in_colours_is_refused_with_the_reason(tmp_path: Path) -> None:
    root = voc(tmp_path, {"a": BOTH, "b": BOTH})
    mask = root / "SegmentationClass" / "a.png"
    Image.open(mask).convert("RGB").save(mask)
    assert listed(root).unreadable == (
        f"{mask}: has RGB pixels: keep the data set's own 8-bit file with one number per pixel",
    )


def test_a_number_that_no_class_has_is_refused(tmp_path: Path) -> None:
    root = voc(tmp_path, {"a": [[8, 21], [0, 0]], "b": BOTH})
    assert "a.png: has the number 21, which this layout does not know" in listed(root).unreadable[0]


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    root = voc(tmp_path, {"a": BOTH})
    photo(root / "JPEGImages" / "a.jpg", (7, 6))
    with pytest.raises(InputError, match=r"a\.png is 6x6 but its image .*a\.jpg is 7x6"):
        listed(root)


def test_the_digest_knows_what_the_mask_shows(tmp_path: Path) -> None:
    root = voc(tmp_path, {"a": BOTH})
    before, with_void = listed(root).digest, listed(root, void_is_object=True).digest
    changed = np.array(BOTH)
    changed[0, 0] = CAT
    palette_mask(root / "SegmentationClass" / "a.png", changed.tolist())
    assert len({before, with_void, listed(root).digest}) == 3
