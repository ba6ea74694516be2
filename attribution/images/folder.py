"""A folder with one subfolder per class -> samples."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from attribution.errors import InputError
from attribution.images.boxes import read_boxes
from attribution.images.classes import keep_classes, number_classes
from attribution.images.masks import MarkedPixels
from attribution.images.samples import (
    IMAGE_SUFFIXES,
    Dataset,
    Sample,
    make_dataset,
    need_folder,
    sample_name,
    some,
)


def list_folder(
    images: Path,
    *,
    name: str,
    masks: Path | None = None,
    boxes: Path | None = None,
    classes: Sequence[str] = (),
    class_indices: Mapping[str, int] | None = None,
    where: str,
) -> Dataset:
    """The images under ``images/<class>/`` (at any depth) as a dataset.

    ``masks`` is a parallel folder: ``images/cat/1.jpg`` has its mask in ``masks/cat/1.png``. ``boxes`` is a CSV file
    with the columns file (relative to ``images``), x0, y0, x1, y1 and a row per box, or a folder of XML files (see
    ``read_boxes``); boxes of other files are ignored. ``classes`` keeps the folders of these names. The class index is
    ``class_indices[folder]``, or the place of the folder among all of them in sorted order. ``where`` names the config
    table in errors, such as ``study.toml: dataset``.

    Hidden files and folders are left out; files that are not images are named in ``unreadable``.
    Raises InputError for anything missing, empty, ambiguous or of the wrong size.
    """
    if masks is not None and boxes is not None:
        raise InputError(f"{where}.masks: masks and boxes are both given: keep one of them")
    need_folder(images, f"{where}.images")
    folders = sorted(entry for entry in images.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not folders:
        raise InputError(f"{where}.images: {images} has no class folders: put the images into one folder per class")
    unreadable = [
        f"{entry}: lies outside the class folders"
        for entry in sorted(images.iterdir())
        if entry.is_file() and not entry.name.startswith(".")
    ]

    kept = list(keep_classes({folder: folder.name for folder in folders}, classes, where))
    files: list[tuple[str, Path]] = []
    empty: list[str] = []
    for folder in kept:
        found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _hidden(path, folder)]
        pictures = [path for path in found if path.suffix.lower() in IMAGE_SUFFIXES]
        unreadable.extend(f"{path}: not an image file" for path in found if path.suffix.lower() not in IMAGE_SUFFIXES)
        files.extend((folder.name, path) for path in pictures)
        if not pictures:
            empty.append(folder.name)
    if empty:
        raise InputError(
            f"{where}.images: no images in class {some(empty)} under {images}: add images"
            f" ({', '.join(IMAGE_SUFFIXES)}) or remove the folder"
        )

    numbered = folders if class_indices is None else kept
    indices = number_classes([folder.name for folder in numbered], class_indices, where)
    mask_of = _masks(images, [path for _, path in files], masks, where)
    label_of = {path: label for label, path in files}
    box_of = {} if boxes is None else read_boxes(boxes, images, list(label_of), label_of, f"{where}.boxes")
    samples = [
        Sample(
            name=sample_name(path.relative_to(images).as_posix()),
            path=path,
            label=label,
            class_index=indices[label],
            mask=MarkedPixels(mask_of[path]) if path in mask_of else None,
            boxes=box_of.get(path, ()),
        )
        for label, path in files
    ]
    counted = len(folders) if classes else None
    return make_dataset(name, samples, unreadable, where=where, mask_field="masks", box_field="boxes", counted=counted)


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _masks(images: Path, files: list[Path], masks: Path | None, where: str) -> dict[Path, Path]:
    if masks is None:
        return {}
    need_folder(masks, f"{where}.masks")
    mask_of = {path: masks / path.relative_to(images).with_suffix(".png") for path in files}
    missing = [str(mask) for mask in mask_of.values() if not mask.is_file()]
    if missing:
        raise InputError(
            f"{where}.masks: {len(missing)} of {len(files)} masks are missing ({some(missing)}): add a PNG"
            " with the name of its image, or remove the image"
        )
    return mask_of
