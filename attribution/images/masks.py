"""Where an object's pixels are stored, and how they become a bool mask when an image is decoded."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from attribution.images.headers import upright_size

Encoding = Literal["index", "red_green"]


class MaskSource(Protocol):
    """An object's pixels in a file. Nothing but the header is read before ``read`` is called.

    All methods raise one of UNREADABLE_ERRORS for a damaged file. Implementations are frozen and safe to read from
    several threads.
    """

    @property
    def path(self) -> Path:
        """The file that holds the mask, to be named in errors."""

    def size(self) -> tuple[int, int]:
        """Width and height of the mask, which must be those of the upright image."""

    def read(self) -> NDArray[np.bool_]:
        """The object's pixels, bool [height, width], upright."""

    def digest(self) -> str:
        """SHA-256 (hex) over all that the pixels follow from."""


@dataclass(frozen=True)
class MarkedPixels:
    """A mask file that marks the object by anything that is not zero and not transparent."""

    path: Path

    def size(self) -> tuple[int, int]:
        return upright_size(self.path)

    def read(self) -> NDArray[np.bool_]:
        with Image.open(self.path) as file:
            return to_mask(ImageOps.exif_transpose(file))

    def digest(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class NumberedPixels:
    """A mask file that holds a number per pixel, of which ``values`` stand for the object.

    ``encoding`` is how the file holds a number (see ``read_numbers``); ``known`` are the numbers that the layout
    defines. ``read`` raises ValueError for any other number, since such a file follows another convention.
    """

    path: Path
    values: frozenset[int]
    known: frozenset[int]
    encoding: Encoding = "index"

    def size(self) -> tuple[int, int]:
        return upright_size(self.path)

    def read(self) -> NDArray[np.bool_]:
        numbers = read_numbers(self.path, self.known, self.encoding)
        return np.isin(numbers, sorted(self.values))

    def digest(self) -> str:
        whole = hashlib.sha256(self.path.read_bytes())
        whole.update(repr(sorted(self.values)).encode())
        return whole.hexdigest()


def read_numbers(path: Path, known: Iterable[int], encoding: Encoding) -> NDArray[np.int64]:
    """The number of every pixel of a mask file, int64 [height, width], upright.

    ``index``: the grey level, or the place in the palette (its colours do not matter). ``red_green``: red + 256 green.
    Raises ValueError for a file of another kind or a number that is not ``known``.
    """
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
        mode, values = image.mode, np.asarray(image).astype(np.int64)
    if encoding == "index":
        if mode not in ("P", "L"):
            raise ValueError(f"has {mode} pixels: keep the data set's own 8-bit file with one number per pixel")
        numbers = values
    else:
        if mode != "RGB":
            raise ValueError(f"has {mode} pixels: keep the data set's own RGB file")
        numbers = values[..., 0] + 256 * values[..., 1]
    unknown = np.setdiff1d(np.flatnonzero(np.bincount(numbers.ravel())), sorted(known))
    if len(unknown):
        raise ValueError(f"has the number {unknown[0]}, which this layout does not know: keep the data set's own file")
    return numbers


def to_mask(image: Image.Image) -> NDArray[np.bool_]:
    """True where a mask image is not zero (any grey level, colour or palette entry but the first) nor transparent.

    Transparent is what an alpha channel says, or the colour or palette entries that the file names as transparent.
    """
    values = np.asarray(image)
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa"):
        marked = (values[..., :-1] != 0).any(axis=-1) & (values[..., -1] != 0)
    elif values.ndim == 3:
        marked = (values != 0).any(axis=-1)
    else:
        marked = values != 0
    if "transparency" in image.info and image.mode in ("1", "L", "P", "RGB"):
        marked = marked & (np.asarray(image.convert("RGBA"))[..., -1] != 0)
    return np.asarray(marked, dtype=np.bool_)
