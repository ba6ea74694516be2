"""A CSV table with one row per image, or per box -> samples."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from attribution.errors import InputError
from attribution.images.classes import keep_classes, number_classes
from attribution.images.masks import MarkedPixels
from attribution.images.samples import Box, Dataset, Sample, check_classes, make_dataset, need_files, sample_name, some

Row = dict[str, str]

BOX_KEYS = ("x0", "y0", "x1", "y1")
COLUMN_KEYS = ("image", "mask", *BOX_KEYS, "label", "class_index")
_REQUIRED_KEYS = ("image", "label")


def list_csv(
    table: Path,
    images: Path,
    *,
    name: str,
    masks: Path | None = None,
    columns: Mapping[str, str],
    classes: Sequence[str] = (),
    class_indices: Mapping[str, int] | None = None,
    where: str,
) -> Dataset:
    """The images in the rows of a CSV file as a dataset. Rows that differ in their box alone stand for one image.

    ``columns`` says which column holds what; its keys are image and label, and where there are such columns mask, or
    x0, y0, x1, y1 (inclusive pixels), and class_index (otherwise the index is ``class_indices[label]``, or the place of
    the label among all of them in sorted order). ``classes`` keeps the rows with these labels. Image paths are
    relative to ``images``, mask paths to ``masks`` (or to the table's folder if that is None). ``where`` names the
    config table in errors, such as ``study.toml: dataset``.

    Raises InputError for a missing table, column or file, a cell that is empty or no whole number (with its row), and
    anything of the wrong size.
    """
    _check_keys(columns, where)
    if class_indices is not None and "class_index" in columns:
        raise InputError(f"{where}.class_indices: stands beside columns.class_index: keep one of them")
    if masks is not None and "mask" not in columns:
        raise InputError(f"{where}.masks: is not read without columns.mask: name that column, or drop masks")
    header, rows = read_table(table, f"{where}.table")
    for key, column in columns.items():
        column_name(column, header, table, f"{where}.columns.{key}")
    if not images.is_dir():
        raise InputError(f"{where}.images: {images} is not a folder: give the folder that holds the images")
    if masks is not None and not masks.is_dir():
        raise InputError(f"{where}.masks: {masks} is not a folder: give the folder that holds the masks")
    if not rows:
        raise InputError(f"{where}.table: {table} has no rows: add one row per image")

    label_of = {number: _cell(row, columns["label"], table, number, where) for number, row in rows}
    kept = keep_classes(label_of, classes, where)
    labels = sorted(set((label_of if class_indices is None else kept).values()))
    place = number_classes(labels, class_indices, where)
    samples: dict[Path, Sample] = {}
    row_of: dict[Path, int] = {}
    for number, row in rows:
        if number not in kept:
            continue
        at = f"{where}.table: {table.name} row {number}"
        relative = _cell(row, columns["image"], table, number, where)
        path = images / relative
        label = kept[number]
        mask = None
        if "mask" in columns:
            mask = (masks or table.parent) / _cell(row, columns["mask"], table, number, where)
        sample = Sample(
            name=sample_name(Path(relative).as_posix()),
            path=path,
            label=label,
            class_index=read_int(row, columns["class_index"], at) if "class_index" in columns else place[label],
            mask=MarkedPixels(mask) if mask else None,
            boxes=(read_box(row, [columns[key] for key in BOX_KEYS], at),) if "x0" in columns else (),
        )
        if path in samples:
            first = samples[path]
            if not sample.boxes or replace(sample, boxes=first.boxes) != first:
                raise InputError(
                    f"{at}: {relative} is listed in row {row_of[path]} too: keep one of the rows (several rows for an"
                    " image may only give it several boxes)"
                )
            sample = replace(first, boxes=first.boxes + sample.boxes)
        samples[path] = sample
        row_of.setdefault(path, number)
    listed = list(samples.values())
    check_classes(((sample.label, sample.class_index) for sample in listed), where=f"{where}.columns.class_index")
    need_files([sample.path for sample in listed], f"{where}.columns.image", images)
    need_files([sample.mask.path for sample in listed if sample.mask], f"{where}.columns.mask", masks or table.parent)
    counted = len(set(label_of.values())) if classes else None
    return make_dataset(name, listed, (), where=where, mask_field="masks", box_field="columns", counted=counted)


def read_table(table: Path, where: str) -> tuple[list[str], list[tuple[int, Row]]]:
    """Header and rows of a CSV file (UTF-8), each row with the number of its line in the file (the header is line 1).

    Cells are stripped of blanks. Raises InputError if the file is missing, not CSV text, has a column name twice, or
    a row with more or fewer cells than the header.
    """
    if not table.is_file():
        raise InputError(f"{where}: {table} does not exist: give the path of a CSV file")
    try:
        with table.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.reader(handle, strict=True)
            lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{where}: {table} is not a CSV file ({error}): save it as UTF-8 CSV with commas") from error
    if not lines:
        raise InputError(f"{where}: {table} is empty: its first line must name the columns")
    header = lines[0][1]
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise InputError(f"{where}: {table.name} has the column {some(twice)} twice: rename one")
    for number, cells in lines[1:]:
        if len(cells) != len(header):
            raise InputError(
                f"{where}: {table.name} row {number} has {len(cells)} cells but there are {len(header)} columns:"
                " quote cells that contain commas"
            )
    return header, [(number, dict(zip(header, cells, strict=True))) for number, cells in lines[1:]]


def column_name(column: str, header: Sequence[str], table: Path, where: str) -> str:
    """The column name itself if the table has it. Raises InputError with the columns there are if not."""
    if column not in header:
        raise InputError(
            f'{where}: {table.name} has no column "{column}": use one of its columns ({", ".join(header)})'
        )
    return column


def read_int(row: Row, column: str, at: str) -> int:
    """The whole number in a cell. Raises InputError, with ``at`` as the place, if it is anything else."""
    try:
        return int(row[column])
    except ValueError as error:
        raise InputError(f'{at}: {column} is "{row[column]}": give a whole number') from error


def read_box(row: Row, columns: Sequence[str], at: str) -> Box:
    """The box (x0, y0, x1, y1) in four cells of a row."""
    x0, y0, x1, y1 = (read_int(row, column, at) for column in columns)
    return x0, y0, x1, y1


def _check_keys(columns: Mapping[str, str], where: str) -> None:
    unknown = sorted(set(columns) - set(COLUMN_KEYS))
    if unknown:
        raise InputError(f"{where}.columns.{unknown[0]}: unknown key: use {', '.join(COLUMN_KEYS)}")
    for key in _REQUIRED_KEYS:
        if key not in columns:
            raise InputError(f"{where}.columns.{key}: missing: name the column that holds the {key}")
    boxes = [key for key in BOX_KEYS if key in columns]
    if boxes and len(boxes) < len(BOX_KEYS):
        absent = next(key for key in BOX_KEYS if key not in columns)
        raise InputError(f"{where}.columns.{absent}: missing: a box needs all of {', '.join(BOX_KEYS)}")
    if boxes and "mask" in columns:
        raise InputError(f"{where}.columns.mask: masks and boxes are both given: keep one of them")


def _cell(row: Row, column: str, table: Path, number: int, where: str) -> str:
    if not row[column]:
        raise InputError(f"{where}.table: {table.name} row {number}: {column} is empty: fill it or remove the row")
    return row[column]
