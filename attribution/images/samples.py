"""What a dataset is, and the checks that every listing shares. Only image headers are read to check."""

import hashlib
import itertools
import os
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from attribution.errors import InputError
from attribution.images.headers import UNREADABLE_ERRORS, raise_if_passing, reason, upright_size
from attribution.images.masks import MaskSource

Box = tuple[int, int, int, int]
Item = TypeVar("Item")
Result = TypeVar("Result")

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

_LONGEST_NAME = 100


@dataclass(frozen=True)
class Sample:
    """One image with its class and where its object lies.

    ``name`` is unique in its dataset and has only letters, digits, ``-`` and ``_``. ``boxes`` are (x0, y0, x1, y1),
    inclusive pixels; the object is what lies in any of them. Masks and boxes belong to the upright image, that is after
    the rotation its EXIF data asks for.
    """

    name: str
    path: Path
    label: str
    class_index: int
    mask: MaskSource | None = None
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """The samples in the order of their names, and what was left out (``file: reason``).

    ``digest`` is the SHA-256 (hex) over the bytes of all files, the names, labels, class indices, boxes and what masks
    follow from. The order in which files were found has no part in it. ``counted`` is how many classes the layout's own
    order of classes has, where samples may lack some of them; None where the classes of the samples were counted.
    """

    name: str
    samples: tuple[Sample, ...]
    unreadable: tuple[str, ...]
    digest: str
    counted: int | None = None

    @property
    def classes(self) -> dict[int, str]:
        """Class index -> label, in the order of the indices."""
        return dict(sorted({sample.class_index: sample.label for sample in self.samples}.items()))


def sample_name(relative: str) -> str:
    """A safe unique-by-file name for a path relative to the dataset: ``cat/001.png`` -> ``cat-001``.

    Where letters are lost (``müde.png``) or the name is very long, eight hex digits of the path's digest keep names
    apart.
    """
    stem = PurePosixPath(relative).with_suffix("").as_posix()
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")
    if re.search(r"[^A-Za-z0-9_\-./\\ ]", stem) or len(slug) > _LONGEST_NAME or not slug:
        slug = f"{slug[: _LONGEST_NAME - 9]}-{hashlib.sha256(relative.encode()).hexdigest()[:8]}".lstrip("-")
    return slug


def in_threads(function: Callable[[Item], Result], items: Sequence[Item], workers: int | None = None) -> list[Result]:
    """``[function(item) for item in items]`` in threads: file reading and Pillow let go of the interpreter lock."""
    with ThreadPoolExecutor(max_workers=workers or os.cpu_count() or 1) as pool:
        return list(pool.map(function, items))


def some(things: Iterable[str], limit: int = 3) -> str:
    """The first few of a list in words: ``a, b, c and 4 more``."""
    listed = list(things)
    text = ", ".join(listed[:limit])
    return f"{text} and {len(listed) - limit} more" if len(listed) > limit else text


def need_folder(folder: Path, where: str) -> None:
    """Raises InputError, with ``where`` as the place, unless the folder exists."""
    if not folder.is_dir():
        found = "is not a folder" if folder.exists() else "does not exist"
        raise InputError(f"{where}: {folder} {found}: give the path of an existing folder")


def need_files(paths: Sequence[Path], where: str, folder: Path) -> None:
    """Raises InputError, with ``where`` as the place, unless all files exist."""
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise InputError(
            f"{where}: {len(missing)} of {len(paths)} files do not exist ({some(missing)}):"
            f" paths are relative to {folder}"
        )


def make_dataset(
    name: str,
    samples: Iterable[Sample],
    unreadable: Iterable[str],
    *,
    where: str,
    mask_field: str,
    box_field: str,
    counted: int | None = None,
) -> Dataset:
    """Checks samples against the headers of their files and puts the dataset together.

    Images and masks whose header cannot be read go to ``unreadable``. Raises InputError for two samples of one name, a
    mask that differs in size from its image, a box that is empty or leaves its image, and a class without samples left.
    """
    listed = sorted(samples, key=lambda sample: (sample.name, str(sample.path)))
    for first, second in itertools.pairwise(listed):
        if first.name == second.name:
            raise InputError(f'{where}: {first.path} and {second.path} both get the name "{first.name}": rename one')

    kept: list[Sample] = []
    problems = list(unreadable)
    for sample, problem in zip(
        listed, in_threads(lambda sample: _check(sample, where, mask_field, box_field), listed), strict=True
    ):
        if problem is None:
            kept.append(sample)
        else:
            problems.append(problem)

    lost = sorted({sample.label for sample in listed} - {sample.label for sample in kept})
    if lost:
        raise InputError(
            f"{where}: no readable image in {_plural(len(lost), 'class', 'classes')} {some(lost)}"
            f" ({some(problems)}): replace the files or leave the class out"
        )
    return Dataset(
        name=name, samples=tuple(kept), unreadable=tuple(sorted(problems)), digest=_digest(kept), counted=counted
    )


def check_classes(label_to_index: Iterable[tuple[str, int]], *, where: str) -> None:
    """Raises InputError unless every label has one class index and every class index one label."""
    index_of: dict[str, int] = {}
    label_of: dict[int, str] = {}
    for label, index in label_to_index:
        if index < 0:
            raise InputError(f'{where}: class "{label}" has the index {index}: count classes from 0')
        if index_of.setdefault(label, index) != index:
            raise InputError(
                f'{where}: class "{label}" has two indices, {index_of[label]} and {index}: give each class one'
            )
        if label_of.setdefault(index, label) != label:
            raise InputError(
                f'{where}: classes "{label_of[index]}" and "{label}" share the index {index}: give each its own'
            )


def _plural(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def _check(sample: Sample, where: str, mask_field: str, box_field: str) -> str | None:
    """The reason why a sample is unreadable, or None. Raises InputError if mask or box do not fit the image."""
    try:
        width, height = upright_size(sample.path)
    except UNREADABLE_ERRORS as error:
        raise_if_passing(error)
        return f"{sample.path}: {reason(error)}"
    if sample.mask is not None:
        try:
            mask_width, mask_height = sample.mask.size()
        except UNREADABLE_ERRORS as error:
            raise_if_passing(error)
            return f"{sample.mask.path}: {reason(error)}"
        if (mask_width, mask_height) != (width, height):
            raise InputError(
                f"{where}.{mask_field}: {sample.mask.path} is {mask_width}x{mask_height} but its image {sample.path} is"
                f" {width}x{height}: make the mask as large as the upright image"
            )
    for box in sample.boxes:
        x0, y0, x1, y1 = box
        if x1 < x0 or y1 < y0:
            raise InputError(
                f"{where}.{box_field}: the box {box} of {sample.path} is empty: give x0 <= x1 and y0 <= y1"
            )
        if x0 < 0 or y0 < 0 or x1 >= width or y1 >= height:
            raise InputError(
                f"{where}.{box_field}: the box {box} of {sample.path} leaves the {width}x{height} image:"
                f" give inclusive pixels from 0 to {width - 1} and {height - 1}"
            )
    return None


def _digest(samples: Sequence[Sample]) -> str:
    """SHA-256 over the samples in the order of their names."""
    whole = hashlib.sha256()
    for entry in in_threads(_sample_digest, samples):
        whole.update(entry)
    return whole.hexdigest()


def _sample_digest(sample: Sample) -> bytes:
    mask = sample.mask.digest() if sample.mask else ""
    image = hashlib.sha256(sample.path.read_bytes()).hexdigest()
    fields = (sample.name, sample.label, str(sample.class_index), image, mask, repr(sorted(sample.boxes)))
    return hashlib.sha256("\0".join(fields).encode()).digest()
