"""list_folder."""

import os
import shutil
from pathlib import Path

import pytest

from attribution.errors import InputError
from attribution.images import list_folder
from attribution.images.masks import MarkedPixels
from attribution.images.samples import sample_name
from attribution.tests.images import class_folders, mask_file, photo

WHERE = "study.toml: dataset"


def test_every_class_folder_becomes_a_class_in_sorted_order(tmp_path: Path) -> None:
    dataset = list_folder(class_folders(tmp_path, ["cat", "bird"], 2), name="pets", where=WHERE)
    assert [sample.name for sample in dataset.samples] == ["bird-0", "bird-1", "cat-0", "cat-1"]
    assert dataset.classes == {0: "bird", 1: "cat"}
    assert dataset.unreadable == ()


def test_a_mapping_gives_the_class_indices_of_the_network(tmp_path: Path) -> None:
    images = class_folders(tmp_path, ["cat", "bird"], 1)
    dataset = list_folder(images, name="pets", class_indices={"cat": 281, "bird": 10, "dog": 3}, where=WHERE)
    assert dataset.classes == {10: "bird", 281: "cat"}


def test_a_mapping_without_a_class_of_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"study\.toml: dataset\.class_indices: no index for class cat: add it"):
        list_folder(class_folders(tmp_path), name="pets", class_indices={"bird": 10}, where=WHERE)


def test_masks_are_found_by_the_same_path_with_png(tmp_path: Path) -> None:
    photo(tmp_path / "images" / "cat" / "deep" / "1.jpg")
    mask_file(tmp_path / "masks" / "cat" / "deep" / "1.png")
    dataset = list_folder(tmp_path / "images", name="pets", masks=tmp_path / "masks", where=WHERE)
    assert [sample.mask for sample in dataset.samples] == [MarkedPixels(tmp_path / "masks" / "cat" / "deep" / "1.png")]
    assert dataset.samples[0].name == "cat-deep-1"


def test_a_missing_mask_is_named_before_any_work(tmp_path: Path) -> None:
    images = class_folders(tmp_path, masks=True)
    (tmp_path / "masks" / "cat" / "1.png").unlink()
    with pytest.raises(InputError, match=r"dataset\.masks: 1 of 6 masks are missing \(.*cat/1\.png\): add a PNG"):
        list_folder(images, name="pets", masks=tmp_path / "masks", where=WHERE)


def test_a_mask_of_another_size_is_named_with_both_sizes(tmp_path: Path) -> None:
    images = class_folders(tmp_path, masks=True)
    mask_file(tmp_path / "masks" / "cat" / "1.png", (20, 30))
    with pytest.raises(InputError, match=r"cat/1\.png is 20x30 but its image .*cat/1\.png is 12x10"):
        list_folder(images, name="pets", masks=tmp_path / "masks", where=WHERE)


def test_boxes_come_from_a_table(tmp_path: Path) -> None:
    images = class_folders(tmp_path, ["cat"], 2)
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("file,x0,y0,x1,y1\ncat/0.png,0,0,11,9\ncat/1.png, 3,4, 3,4\ndog/9.png,1,1,2,2\n")
    dataset = list_folder(images, name="pets", boxes=boxes, where=WHERE)
    assert [sample.boxes for sample in dataset.samples] == [((0, 0, 11, 9),), ((3, 4, 3, 4),)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("cat/0.png,0,0,12,9\n", r"the box \(0, 0, 12, 9\) of .*cat/0\.png leaves the 12x10 image: .* to 11 and 9"),
        ("cat/0.png,-1,0,5,9\n", r"leaves the 12x10 image"),
        ("cat/0.png,5,0,4,9\n", r"the box \(5, 0, 4, 9\) of .*cat/0\.png is empty"),
        ("cat/0.png,5,0,4.5,9\n", r'dataset\.boxes: boxes\.csv row 2: x1 is "4\.5": give a whole number'),
        ("cat/zero.png,0,0,1,1\n", r"no row for 1 of 1 images \(cat/0\.png\)"),
        ("cat/0.png,0,0,1\n", r"row 2 has 4 cells but there are 5 columns"),
    ],
)
def test_a_wrong_box_is_named_with_its_file(tmp_path: Path, rows: str, message: str) -> None:
    images = class_folders(tmp_path, ["cat"], 1)
    boxes = tmp_path / "boxes.csv"
    boxes.write_text(f"file,x0,y0,x1,y1\n{rows}")
    with pytest.raises(InputError, match=message):
        list_folder(images, name="pets", boxes=boxes, where=WHERE)


def test_masks_and_boxes_together_are_refused(tmp_path: Path) -> None:
    images = class_folders(tmp_path, masks=True)
    with pytest.raises(InputError, match="masks and boxes are both given"):
        list_folder(images, name="pets", masks=tmp_path / "masks", boxes=tmp_path / "boxes.csv", where=WHERE)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"study\.toml: dataset\.images: .*nowhere does not exist: give the path"):
        list_folder(tmp_path / "nowhere", name="pets", where=WHERE)


def test_a_folder_without_class_folders_is_refused(tmp_path: Path) -> None:
    photo(tmp_path / "1.png")
    with pytest.raises(InputError, match="has no class folders: put the images into one folder per class"):
        list_folder(tmp_path, name="pets", where=WHERE)


def test_empty_classes_are_named(tmp_path: Path) -> None:
    images = class_folders(tmp_path)
    (images / "dog").mkdir()
    (images / "eel").mkdir()
    with pytest.raises(InputError, match="no images in class dog, eel under"):
        list_folder(images, name="pets", where=WHERE)


def test_a_class_of_damaged_images_only_is_named(tmp_path: Path) -> None:
    images = class_folders(tmp_path)
    (images / "dog").mkdir()
    (images / "dog" / "1.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"no readable image in class dog \(.*dog/1\.jpg: cannot identify"):
        list_folder(images, name="pets", where=WHERE)


def test_files_that_are_no_images_are_named_and_counted(tmp_path: Path) -> None:
    images = class_folders(tmp_path)
    (images / "readme.txt").write_text("hello")
    (images / "cat" / "notes.txt").write_text("hello")
    (images / "cat" / "broken.png").write_bytes(b"")
    (images / "cat" / ".hidden.png").write_bytes(b"")
    dataset = list_folder(images, name="pets", where=WHERE)
    assert len(dataset.samples) == 6
    assert [entry.split(": ")[0] for entry in dataset.unreadable] == [
        str(images / "cat" / "broken.png"),
        str(images / "cat" / "notes.txt"),
        str(images / "readme.txt"),
    ]


def test_an_unreadable_mask_is_named_and_its_image_left_out(tmp_path: Path) -> None:
    images = class_folders(tmp_path, masks=True)
    (tmp_path / "masks" / "cat" / "1.png").write_bytes(b"no image")
    dataset = list_folder(images, name="pets", masks=tmp_path / "masks", where=WHERE)
    assert "cat-1" not in {sample.name for sample in dataset.samples}
    assert len(dataset.unreadable) == 1
    assert dataset.unreadable[0].startswith(str(tmp_path / "masks" / "cat" / "1.png"))


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    images = class_folders(tmp_path, ["cat"], 1)
    photo(images / "cat" / "0.jpg")
    with pytest.raises(InputError, match=r'cat/0\.jpg and .*cat/0\.png both get the name "cat-0": rename one'):
        list_folder(images, name="pets", where=WHERE)


def test_the_digest_is_of_contents_not_of_places_or_times(tmp_path: Path) -> None:
    images = class_folders(tmp_path / "one", masks=True)
    other = Path(shutil.copytree(tmp_path / "one", tmp_path / "two")) / "images"
    os.utime(other / "cat" / "1.png", (1, 1))
    first = list_folder(images, name="pets", masks=tmp_path / "one" / "masks", where=WHERE)
    assert list_folder(other, name="again", masks=tmp_path / "two" / "masks", where=WHERE).digest == first.digest
    photo(other / "cat" / "1.png", seed=99)
    changed = list_folder(other, name="pets", masks=tmp_path / "two" / "masks", where=WHERE)
    assert changed.digest != first.digest


def test_the_digest_knows_masks_and_class_indices(tmp_path: Path) -> None:
    images = class_folders(tmp_path, masks=True)
    digests = {
        list_folder(images, name="pets", where=WHERE).digest,
        list_folder(images, name="pets", class_indices={"bird": 1, "cat": 0}, where=WHERE).digest,
        list_folder(images, name="pets", masks=tmp_path / "masks", where=WHERE).digest,
    }
    mask_file(tmp_path / "masks" / "cat" / "1.png", box=(0, 0, 1, 1))
    digests.add(list_folder(images, name="pets", masks=tmp_path / "masks", where=WHERE).digest)
    assert len(digests) == 4


@pytest.mark.parametrize(
    ("relative", "name"),
    [
        ("cat/001.png", "cat-001"),
        ("sea lion/a.b c.jpg", "sea-lion-a-b-c"),
        ("cat/müde.png", "cat-m-de-0b9525c9"),
    ],
)
def test_names_are_safe(relative: str, name: str) -> None:
    assert sample_name(relative) == name


def test_long_names_stay_apart() -> None:
    one, two = sample_name("cat/" + "a" * 300 + "1.png"), sample_name("cat/" + "a" * 300 + "2.png")
    assert one != two
    assert len(one) == len(two) == 100
