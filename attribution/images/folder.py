"""A folder with one subfolder per class -> samples."""

from collections.abc import Mapping
from pathlib import Path

from attribution.errors import InputError
from attribution.images.samples import (
    IMAGE_SUFFIXES,
    Box,
    Dataset,
    Sample,
    check_classes,
    make_dataset,
    sample_name,
    some,
)
from attribution.images.table import column_name, read_box, read_table

_BOX_COLUMNS = ("x0", "y0", "x1", "y1")


def list_folder(
    images: Path,
    *,
    name: str,
    masks: Path | None = None,
    boxes: Path | None = None,
    class_indices: Mapping[str, int] | None = None,
    where: str,
) -> Dataset:
    """The images under ``images/<class>/`` (at any depth) as a dataset.

    ``masks`` is a parallel folder: ``images/cat/1.jpg`` has its mask in ``masks/cat/1.png``. ``boxes`` is a CSV file
    with the columns file (relative to ``images``), x0, y0, x1, y1; rows for other files are ignored. The class index
    is ``class_indices[folder]``, or the place of the folder in sorted order. ``where`` names the config table in
    errors, such as ``study.toml: dataset``.

    Hidden files and folders are left out; files that are not images are named in ``unreadable``.
    Raises InputError for anything missing, empty, ambiguous or of the wrong size.
    """
    if masks is not None and boxes is not None:
        raise InputError(f"{where}.masks: masks and boxes are both given: keep one of them")
    _need_folder(images, f"{where}.images")
    folders = sorted(entry for entry in images.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not folders:
        raise InputError(f"{where}.images: {images} has no class folders: put the images into one folder per class")
    unreadable = [
        f"{entry}: lies outside the class folders"
        for entry in sorted(images.iterdir())
        if entry.is_file() and not entry.name.startswith(".")
    ]

    files: list[tuple[str, Path]] = []
    empty: list[str] = []
    for folder in folders:
        found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _hidden(path, folder)]
        pictures = [path for path in found if path.suffix.lower() in IMAGE_SUFFIXES]
        unreadable.extend(f"{path}: not an image file" for path in found if path not in set(pictures))
        files.extend((folder.name, path) for path in pictures)
        if not pictures:
            empty.append(folder.name)
    if empty:
        raise InputError(
            f"{where}.images: no images in class {some(empty)} under {images}: add images"
            f" ({', '.join(IMAGE_SUFFIXES)}) or remove the folder"
        )

    indices = _class_indices([folder.name for folder in folders], class_indices, where)
    mask_of = _masks(images, [path for _, path in files], masks, where)
    box_of = _boxes(images, [path for _, path in files], boxes, where)
    samples = [
        Sample(
            name=sample_name(path.relative_to(images).as_posix()),
            path=path,
            label=label,
            class_index=indices[label],
            mask=mask_of.get(path),
            box=box_of.get(path),
        )
        for label, path in files
    ]
    return make_dataset(name, samples, unreadable, where=where, mask_field="masks", box_field="boxes")


def _need_folder(folder: Path, where: str) -> None:
    if not folder.is_dir():
        found = "is not a folder" if folder.exists() else "does not exist"
        raise InputError(f"{where}: {folder} {found}: give the path of an existing folder")


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _class_indices(labels: list[str], given: Mapping[str, int] | None, where: str) -> dict[str, int]:
    if given is None:
        return {label: index for index, label in enumerate(labels)}
    missing = [label for label in labels if label not in given]
    if missing:
        raise InputError(
            f"{where}.class_indices: no index for class {some(missing)}: add it, or remove the class folder"
        )
    indices = {label: given[label] for label in labels}
    check_classes(indices.items(), where=f"{where}.class_indices")
    return indices


def _masks(images: Path, files: list[Path], masks: Path | None, where: str) -> dict[Path, Path]:
    if masks is None:
        return {}
    _need_folder(masks, f"{where}.masks")
    mask_of = {path: masks / path.relative_to(images).with_suffix(".png") for path in files}
    missing = [str(mask) for mask in mask_of.values() if not mask.is_file()]
    if missing:
        raise InputError(
            f"{where}.masks: {len(missing)} of {len(files)} masks are missing ({some(missing)}): add a PNG"
            " with the name of its image, or remove the image"
        )
    return mask_of


def _boxes(images: Path, files: list[Path], boxes: Path | None, where: str) -> dict[Path, Box]:
    if boxes is None:
        return {}
    field = f"{where}.boxes"
    header, rows = read_table(boxes, field)
    for column in ("file", *_BOX_COLUMNS):
        column_name(column, header, boxes, field)
    wanted = {path.relative_to(images).as_posix(): path for path in files}
    box_of: dict[Path, Box] = {}
    row_of: dict[str, int] = {}
    for number, row in rows:
        path = wanted.get(row["file"])
        if path is None:
            continue
        if path in box_of:
            raise InputError(
                f"{field}: {boxes.name} has two boxes for {row['file']} (rows {row_of[row['file']]} and {number}):"
                " keep one, or use masks"
            )
        box_of[path] = read_box(row, _BOX_COLUMNS, f"{field}: {boxes.name} row {number}")
        row_of[row["file"]] = number
    missing = [relative for relative, path in wanted.items() if path not in box_of]
    if missing:
        raise InputError(
            f"{field}: {boxes.name} has no row for {len(missing)} of {len(files)} images ({some(missing)}):"
            f' add rows whose "file" is the path relative to {images}'
        )
    return box_of
