"""Boxes around objects, by table and by XML."""

from pathlib import Path

import pytest

from attribution.errors import InputError
from attribution.images import Dataset, Preprocessing, decode, list_folder
from attribution.tests.images import photo

WHERE = "study.toml: dataset"
SYNSET = "n01440764"


def listed(tmp_path: Path, boxes: Path) -> Dataset:
    return list_folder(tmp_path / "images", name="ImageNet", boxes=boxes, where=WHERE)


def xml(path: Path, *objects: tuple[str, tuple[object, ...]]) -> Path:
    """An annotation as ImageNet's localisation task has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = "".join(
        f"<object><name>{name}</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult><bndbox>"
        + "".join(
            f"<{key}>{value}</{key}>" for key, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
        )
        + "</bndbox></object>"
        for name, corners in objects
    )
    size = "<size><width>6</width><height>4</height><depth>3</depth></size>"
    path.write_text(f"<annotation><folder>val</folder><filename>{path.stem}</filename>{size}{entries}</annotation>")
    return path


def test_several_rows_for_an_image_stand_for_the_union_of_their_boxes(tmp_path: Path) -> None:
    photo(tmp_path / "images" / "cat" / "1.png", (4, 4))
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("file,x0,y0,x1,y1\ncat/1.png,0,0,1,1\ncat/1.png,1,1,2,2\n")
    dataset = listed(tmp_path, boxes)
    assert dataset.samples[0].boxes == ((0, 0, 1, 1), (1, 1, 2, 2))
    decoded = decode(dataset, Preprocessing(size=4, mean=(0, 0, 0), std=(1, 1, 1)), tmp_path / "cache")
    assert decoded.masks is not None
    assert decoded.masks[0].astype(int).tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]


def test_every_one_of_several_boxes_is_checked(tmp_path: Path) -> None:
    photo(tmp_path / "images" / "cat" / "1.png", (4, 4))
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("file,x0,y0,x1,y1\ncat/1.png,0,0,1,1\ncat/1.png,1,1,4,2\n")
    with pytest.raises(InputError, match=r"the box \(1, 1, 4, 2\) of .*cat/1\.png leaves the 4x4 image"):
        listed(tmp_path, boxes)


def test_the_digest_knows_the_boxes_but_not_their_order(tmp_path: Path) -> None:
    photo(tmp_path / "images" / "cat" / "1.png", (4, 4))
    digests = []
    for rows in ("0,0,1,1;1,1,2,2", "1,1,2,2;0,0,1,1", "0,0,1,1"):
        boxes = tmp_path / "boxes.csv"
        boxes.write_text("file,x0,y0,x1,y1\n" + "".join(f"cat/1.png,{row}\n" for row in rows.split(";")))
        digests.append(listed(tmp_path, boxes).digest)
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("place", [f"{SYNSET}/ILSVRC2012_val_00000293.xml", "ILSVRC2012_val_00000293.xml"])
def test_xml_boxes_of_the_images_own_class_count_from_one(tmp_path: Path, place: str) -> None:
    photo(tmp_path / "images" / SYNSET / "ILSVRC2012_val_00000293.JPEG", (6, 4))
    objects = [(SYNSET, (1, 1, 6, 4)), ("n02084071", (2, 2, 3, 3)), (SYNSET, (2, 0, 3, 2))]
    xml(tmp_path / "Annotations" / place, *objects)
    assert listed(tmp_path, tmp_path / "Annotations").samples[0].boxes == ((0, 0, 5, 3), (1, 0, 2, 1))


def test_an_image_without_xml_is_named_with_the_places_looked_at(tmp_path: Path) -> None:
    photo(tmp_path / "images" / SYNSET / "1.JPEG", (6, 4))
    (tmp_path / "Annotations").mkdir()
    with pytest.raises(InputError, match=rf"dataset\.boxes: .*1\.JPEG has no boxes \(looked for .*{SYNSET}/1\.xml and"):
        listed(tmp_path, tmp_path / "Annotations")


def test_xml_without_an_object_of_the_class_is_refused(tmp_path: Path) -> None:
    photo(tmp_path / "images" / SYNSET / "1.JPEG", (6, 4))
    xml(tmp_path / "Annotations" / "1.xml", ("n02084071", (2, 2, 3, 3)))
    with pytest.raises(InputError, match=rf"1\.xml has no object named {SYNSET} \(its objects: n02084071\)"):
        listed(tmp_path, tmp_path / "Annotations")


def test_damaged_xml_is_refused(tmp_path: Path) -> None:
    photo(tmp_path / "images" / SYNSET / "1.JPEG", (6, 4))
    path = xml(tmp_path / "Annotations" / "1.xml", (SYNSET, (2, 2, "x", 3)))
    with pytest.raises(InputError, match=r"a box has xmin '2', ymin '2', xmax 'x', ymax '3': give four numbers"):
        listed(tmp_path, tmp_path / "Annotations")
    path.write_text(path.read_text()[:40])
    with pytest.raises(InputError, match=r"dataset\.boxes: .*1\.xml is not XML \("):
        listed(tmp_path, tmp_path / "Annotations")
