"""Boxes around objects: from a CSV table, or from an XML file per image (PASCAL VOC's format, as ImageNet uses it)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from attribution.errors import InputError
from attribution.images.samples import Box, some
from attribution.images.table import column_name, read_box, read_table

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_COLUMNS = ("x0", "y0", "x1", "y1")


def read_boxes(
    boxes: Path, images: Path, files: Sequence[Path], label_of: Mapping[Path, str], field: str
) -> dict[Path, tuple[Box, ...]]:
    """The boxes of every image file, inclusive pixels from 0; several of one image stand for their union.

    ``boxes`` is a CSV file with the columns file (relative to ``images``), x0, y0, x1, y1 and a row per box, or a
    folder of XML files: ``images/a/b.JPEG`` has ``boxes/a/b.xml``, or ``boxes/b.xml``. Of an XML file only the objects
    with the image's own label as their name count, and its pixels count from 1, as PASCAL VOC's do (0 is taken for 1).
    Raises InputError for images without a box and for cells or elements that are no box.
    """
    if boxes.is_dir():
        return {path: _xml_boxes(_xml_file(path, boxes, images, field), label_of[path], field) for path in files}
    return _csv_boxes(boxes, images, files, field)


def _csv_boxes(table: Path, images: Path, files: Sequence[Path], field: str) -> dict[Path, tuple[Box, ...]]:
    header, rows = read_table(table, field)
    for column in ("file", *_COLUMNS):
        column_name(column, header, table, field)
    wanted = {path.relative_to(images).as_posix(): path for path in files}
    found: dict[Path, list[Box]] = defaultdict(list)
    for number, row in rows:
        path = wanted.get(row["file"])
        if path is not None:
            found[path].append(read_box(row, _COLUMNS, f"{field}: {table.name} row {number}"))
    missing = [relative for relative, path in wanted.items() if path not in found]
    if missing:
        raise InputError(
            f"{field}: {table.name} has no row for {len(missing)} of {len(files)} images ({some(missing)}):"
            f' add rows whose "file" is the path relative to {images}'
        )
    return {path: tuple(each) for path, each in found.items()}


def _xml_file(image: Path, boxes: Path, images: Path, field: str) -> Path:
    parallel = boxes / image.relative_to(images).with_suffix(".xml")
    flat = boxes / f"{image.stem}.xml"
    for path in (parallel, flat):
        if path.is_file():
            return path
    raise InputError(
        f"{field}: {image} has no boxes (looked for {parallel} and {flat}): add the XML file, or remove the image"
    )


def _xml_boxes(path: Path, label: str, field: str) -> tuple[Box, ...]:
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise InputError(f"{field}: {path} is not XML ({error}): replace the file, or remove the image") from error
    names = [entry.findtext("name", default="").strip() for entry in root.iter("object")]
    found = [
        _xml_box(entry, path, field) for entry, name in zip(root.iter("object"), names, strict=True) if name == label
    ]
    if not found:
        raise InputError(
            f"{field}: {path} has no object named {label} (its objects: {', '.join(sorted(set(names))) or 'none'}):"
            " name the class folder as the annotations do, or remove the image"
        )
    return tuple(found)


def _xml_box(entry: ElementTree.Element, path: Path, field: str) -> Box:
    texts = [entry.findtext(f"bndbox/{corner}", default="").strip() for corner in _CORNERS]
    try:
        x0, y0, x1, y1 = (max(0, int(float(text)) - 1) for text in texts)
    except (ValueError, OverflowError) as error:
        given = ", ".join(f"{corner} {text!r}" for corner, text in zip(_CORNERS, texts, strict=True))
        raise InputError(f"{field}: {path}: a box has {given}: give four numbers of pixels") from error
    return x0, y0, x1, y1
