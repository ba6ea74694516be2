"""list_coco, on JSON with the keys of instances_val2017.json."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_api

from attribution.errors import InputError
from attribution.images import Dataset, Preprocessing, decode, list_coco
from attribution.images.coco_mask import CocoMask, check_segmentation, run_lengths
from attribution.tests.images import photo

WHERE = "study.toml: dataset"
PERSON, CAT = 1, 17
# Columns 2 to 4 and rows 1 to 2 of a picture of 6 x 6.
BLOCK = [2, 1, 5, 1, 5, 3, 2, 3]


def annotation(number: int, image: int, category: int, segmentation: object, **changes: object) -> dict[str, Any]:
    crowd = int(isinstance(segmentation, dict))
    entry = {
        "segmentation": segmentation,
        "area": 6.0,
        "iscrowd": crowd,
        "image_id": image,
        "bbox": [2, 1, 3, 2],
        "category_id": category,
        "id": number,
    }
    return entry | changes


def coco(root: Path, annotations: list[dict[str, Any]], *, pictures: int = 1) -> Path:
    """Pictures of 6 x 6 below ``root/val2017`` and the JSON with these annotations."""
    images = []
    for number in range(1, pictures + 1):
        photo(root / "val2017" / f"{number:012d}.jpg", (6, 6), seed=number)
        images.append(
            {
                "license": 4,
                "file_name": f"{number:012d}.jpg",
                "coco_url": f"http://images.cocodataset.org/val2017/{number:012d}.jpg",
                "height": 6,
                "width": 6,
                "date_captured": "2013-11-14 17:02:52",
                "id": number,
            }
        )
    categories = [
        {"supercategory": "animal", "id": CAT, "name": "cat"},
        {"supercategory": "person", "id": PERSON, "name": "person"},
    ]
    content = {"info": {}, "licenses": [], "images": images, "annotations": annotations, "categories": categories}
    path = root / "annotations" / "instances_val2017.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def listed(path: Path, **options: object) -> Dataset:
    images = path.parent.parent / "val2017"
    return list_coco(path, images, name="COCO", where=WHERE, **options)  # type: ignore[arg-type]


def only_mask(path: Path, cache: Path) -> list[list[int]]:
    six = Preprocessing(size=6, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), fit="squash")
    decoded = decode(listed(path), six, cache)
    assert decoded.unreadable == ()
    assert decoded.masks is not None
    return decoded.masks[0].astype(int).tolist()  # type: ignore[no-any-return]


def test_a_polygon_is_drawn(tmp_path: Path) -> None:
    assert only_mask(coco(tmp_path, [annotation(1, 1, CAT, [BLOCK])]), tmp_path) == [
        [0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 1, 0],
        [0, 0, 1, 1, 1, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ]


def test_all_instances_and_crowds_of_the_class_make_the_object_and_others_do_not(tmp_path: Path) -> None:
    # A crowd of the first column, down from its second pixel: runs go down the columns.
    crowd = {"counts": [1, 5, 30], "size": [6, 6]}
    annotations = [
        annotation(1, 1, CAT, [BLOCK]),
        annotation(2, 1, CAT, crowd),
        annotation(3, 1, PERSON, [[0, 4, 6, 4, 6, 6, 0, 6]], area=3),
    ]
    assert only_mask(coco(tmp_path, annotations), tmp_path) == [
        [0, 0, 0, 0, 0, 0],
        [1, 0, 1, 1, 1, 0],
        [1, 0, 1, 1, 1, 0],
        [1, 0, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0],
    ]


def test_categories_are_numbered_in_the_order_of_their_ids(tmp_path: Path) -> None:
    dataset = listed(coco(tmp_path, [annotation(1, 1, CAT, [BLOCK])]))
    assert [(sample.name, sample.label, sample.class_index) for sample in dataset.samples] == [
        ("000000000001", "cat", 1),
    ]
    assert dataset.counted == 2


def test_the_networks_own_indices_are_taken(tmp_path: Path) -> None:
    path = coco(tmp_path, [annotation(1, 1, CAT, [BLOCK])])
    assert listed(path, class_indices={"cat": 281}).classes == {281: "cat"}


def test_an_image_gets_the_category_that_covers_most_of_it(tmp_path: Path) -> None:
    annotations = [
        annotation(1, 1, CAT, [BLOCK], area=6),
        annotation(2, 1, PERSON, [BLOCK], area=4),
        annotation(3, 1, PERSON, [BLOCK], area=4),
    ]
    assert [sample.label for sample in listed(coco(tmp_path, annotations)).samples] == ["person"]


def test_images_of_several_categories_or_of_none_are_left_out_and_counted(tmp_path: Path) -> None:
    annotations = [
        annotation(1, 1, CAT, [BLOCK]),
        annotation(2, 2, CAT, [BLOCK]),
        annotation(3, 2, PERSON, [BLOCK]),
    ]
    path = coco(tmp_path, annotations, pictures=3)
    dataset = listed(path, several_classes="skip")
    assert [sample.name for sample in dataset.samples] == ["000000000001"]
    assert dataset.unreadable == (
        f"{path}: 1 images left out: no object is large enough (000000000003.jpg)",
        f"{path}: 1 images left out: objects of several classes (000000000002.jpg)",
    )


def test_the_size_in_the_file_must_be_that_of_the_image(tmp_path: Path) -> None:
    path = coco(tmp_path, [annotation(1, 1, CAT, [BLOCK])])
    photo(tmp_path / "val2017" / "000000000001.jpg", (6, 7))
    with pytest.raises(InputError, match=r"instances_val2017\.json is 6x6 but its image .*000000000001\.jpg is 6x7"):
        listed(path)


def test_the_size_in_the_file_is_that_of_the_upright_image(tmp_path: Path) -> None:
    path = coco(tmp_path, [annotation(1, 1, CAT, [BLOCK])])
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 6)).save(tmp_path / "val2017" / "000000000001.jpg", exif=exif)
    path.write_text(path.read_text().replace('"width": 6', '"width": 8'))
    with pytest.raises(InputError, match=r"is 8x6 but its image .*000000000001\.jpg is 6x8"):
        listed(path)
    path.write_text(path.read_text().replace('"height": 6, "width": 8', '"height": 8, "width": 6'))
    assert listed(path).samples[0].label == "cat"


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    path = coco(tmp_path, [annotation(1, 1, CAT, [BLOCK])])
    (tmp_path / "val2017" / "000000000001.jpg").unlink()
    with pytest.raises(InputError, match=r"dataset\.images: 1 of 1 files do not exist \(.*000000000001\.jpg\)"):
        listed(path)


def test_a_damaged_image_is_named_and_left_out(tmp_path: Path) -> None:
    path = coco(tmp_path, [annotation(1, 1, CAT, [BLOCK]), annotation(2, 2, CAT, [BLOCK])], pictures=2)
    (tmp_path / "val2017" / "000000000002.jpg").write_bytes(b"")
    dataset = listed(path)
    assert [sample.name for sample in dataset.samples] == ["000000000001"]
    assert dataset.unreadable[0].startswith(str(tmp_path / "val2017" / "000000000002.jpg"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_id": 7}, r"its image_id 7 is none of the images"),
        ({"category_id": 90}, r"its category_id 90 is none of the categories"),
        ({"category_id": "cat"}, r"category_id is 'cat': give a whole number"),
        ({"area": None}, r"area is None: give the number of pixels"),
        ({"segmentation": []}, r"segmentation is neither a list of polygons nor run lengths"),
        ({"segmentation": [[1, 1, 3, 3]]}, r"a polygon needs at least three corners"),
        ({"segmentation": [[1, 1, 3, 3, 4, 4, 5]]}, r"a polygon needs at least three corners, each with x and y"),
        ({"segmentation": [[1, 1, 3, 3, 4, "4"]]}, r"a polygon has the coordinate '4'"),
        ({"segmentation": [[1, 1, 3, 3, 4, 1e9]]}, r"corner at 1e\+09 is far outside the 6x6 image"),
        ({"segmentation": {"counts": [1, 5], "size": [6, 6]}}, r"the run lengths cover 6 of 36 pixels"),
        ({"segmentation": {"counts": [-1, 37], "size": [6, 6]}}, r"a run length is no whole number from 0 on"),
        ({"segmentation": {"counts": [36], "size": [9, 4]}}, r"are for size \[9, 4\], but the image's is \[6, 6\]"),
        ({"segmentation": {"counts": "33", "size": [6, 6]}}, r"the run lengths cover 6 of 36 pixels"),
        ({"segmentation": {"counts": "a", "size": [6, 6]}}, r"end in the middle of a number"),
        ({"segmentation": {"counts": "~", "size": [6, 6]}}, r"hold '~', which is none of their characters"),
    ],
)
def test_a_wrong_annotation_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = coco(tmp_path, [annotation(1, 1, CAT, [BLOCK]), annotation(42, 1, CAT, [BLOCK]) | changes])
    with pytest.raises(InputError, match=rf"dataset\.annotations: annotations\[1\] \(id 42\): .*{message}"):
        listed(path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text[:50], r"instances_val2017\.json is not JSON \(.*\): download it again"),
        (lambda text: text.replace('"images"', '"pictures"'), r'has no list "images"'),
        (lambda _text: "[]", r'has no list "images"'),
        (lambda text: text.replace('"file_name"', '"name"'), r"images\[0\] \(id 1\): file_name is None"),
        (lambda text: text.replace('"width": 6', '"width": 0'), r"width is 0: give a number of pixels above 0"),
        (lambda text: text.replace('"name": "person"', '"name": "cat"'), r'its id 1 or its name "cat" stands twice'),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, spoil: Callable[[str], str], message: str) -> None:
    path = coco(tmp_path, [annotation(1, 1, CAT, [BLOCK])])
    path.write_text(spoil(path.read_text()))
    with pytest.raises(InputError, match=rf"study\.toml: dataset\.annotations: .*{message}"):
        listed(path)


def test_the_digest_knows_the_segmentations_but_not_those_of_other_classes(tmp_path: Path) -> None:
    own = annotation(1, 1, CAT, [BLOCK])
    plain = listed(coco(tmp_path, [own])).digest
    assert listed(coco(tmp_path, [own, annotation(2, 1, PERSON, [BLOCK], area=1)])).digest == plain
    assert listed(coco(tmp_path, [annotation(1, 1, CAT, [[2, 1, 5, 1, 5, 4]])])).digest != plain


def random_mask(seed: int) -> NDArray[np.bool_]:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 90, size=2)
    return rng.random((height, width)) < rng.random()


@pytest.mark.parametrize("seed", range(20))
def test_compressed_run_lengths_are_drawn_as_pycocotools_draws_them(seed: int) -> None:
    mask = random_mask(seed)
    compressed = coco_api.encode(np.asfortranarray(mask.astype(np.uint8)))
    segmentation = {"counts": compressed["counts"].decode(), "size": list(mask.shape)}
    height, width = mask.shape
    check_segmentation(segmentation, width, height)
    assert np.array_equal(CocoMask(Path("x.json"), width, height, (segmentation,)).read(), mask)
    lengths = {"counts": run_lengths(segmentation["counts"]), "size": list(mask.shape)}
    assert coco_api.frPyObjects(lengths, height, width)["counts"] == compressed["counts"]


def test_segmentations_overlap_without_cancelling_each_other() -> None:
    twice = CocoMask(Path("x.json"), 6, 6, ([BLOCK, BLOCK], [BLOCK]))
    assert np.array_equal(twice.read(), CocoMask(Path("x.json"), 6, 6, ([BLOCK],)).read())
    assert twice.read().sum() == 6


@pytest.mark.parametrize("seed", range(10))
def test_polygons_are_drawn_as_pycocotools_draws_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    polygons = [rng.uniform(-5, 60, size=2 * rng.integers(3, 12)).tolist() for _ in range(3)]
    drawn = CocoMask(Path("x.json"), 50, 40, (polygons[:2], polygons[2:])).read()
    wanted = coco_api.merge(coco_api.frPyObjects(polygons, 40, 50))
    assert drawn.any()
    assert coco_api.encode(np.asfortranarray(drawn.astype(np.uint8))) == wanted
