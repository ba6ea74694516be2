"""Arrays in .npy and .npz files, read a few images at a time, so that files of any size can be scored."""

import io
import lzma
import math
import shutil
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from attribution.errors import InputError
from attribution.printable import printable

MAGIC = {"npy": b"\x93NUMPY", "npz": b"PK"}
HOW_TO_SAVE = "save it with numpy.save or numpy.savez (from torch: tensor.detach().cpu().numpy())"
# What NumPy itself reads of a header, with the magic and the length before it: a file cannot ask for more memory.
HEADER_BYTES = 12 + 10_000
# All that one image has in an array, as float64: a map of 8,192 x 8,192. A tiny packed file can hold far more.
IMAGE_BYTES = 2**29
# Images that are in memory at once; metrics need several times as much.
CHUNK_BYTES = 2**25

_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    OverflowError,
    MemoryError,  # of a packed stream that asks for a huge dictionary, or a header of a thousand brackets
    SyntaxError,
    tokenize.TokenError,
    RuntimeError,  # encrypted; too deeply nested; packed in a way that is not known
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


@dataclass(frozen=True)
class StoredArray:
    """An array in a file; `member` is its place in an .npz, None for an .npy. The first axis counts images.

    Its values start `offset` bytes after the start of file or member, and are as many bytes as shape and type say.
    """

    path: Path
    name: str
    member: str | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    fortran_order: bool

    def __str__(self) -> str:
        return printable(f"{self.path}: {self.name}")

    def images_at_once(self, most: int) -> int:
        """How many images fit into `CHUNK_BYTES` as float64, from 1 to `most`."""
        return max(1, min(most, CHUNK_BYTES // max(_image_bytes(self.shape, self.dtype), 1)))

    def chunks(self, count: int) -> Iterator[np.ndarray]:
        """The array, `count` images at a time, in order. InputError if the file is damaged."""
        with _damage_named(str(self)):
            if self.member is None:
                with self.path.open("rb") as stream:
                    yield from self._mapped(stream, self.offset, count)
            else:
                yield from self._of_archive(self.member, count)

    def whole(self) -> np.ndarray:
        """The array in memory."""
        return np.concatenate(list(self.chunks(max(self.shape[0], 1))))

    def _mapped(self, stream: IO[bytes], offset: int, count: int) -> Iterator[np.ndarray]:
        if 0 in self.shape:
            # There is nothing to map.
            yield np.empty(self.shape, self.dtype)
            return
        order = "F" if self.fortran_order else "C"
        array: np.ndarray = np.memmap(stream, self.dtype, "r", offset, self.shape, order)  # type: ignore[call-overload]
        for start in range(0, len(array), count):
            yield np.asarray(array[start : start + count])

    def _of_archive(self, member: str, count: int) -> Iterator[np.ndarray]:
        with zipfile.ZipFile(self.path) as archive, archive.open(member) as stream:
            stream.read(self.offset)
            if self.fortran_order:
                # Its images do not lie one after another: they cannot be read in parts before all is unpacked.
                with tempfile.TemporaryFile() as unpacked:
                    shutil.copyfileobj(stream, unpacked)
                    unpacked.flush()
                    yield from self._mapped(unpacked, 0, count)
                return
            image = math.prod(self.shape[1:]) * self.dtype.itemsize
            for start in range(0, self.shape[0], count):
                images = min(count, self.shape[0] - start)
                content = stream.read(images * image)
                if len(content) < images * image:
                    raise EOFError("the file ends early")
                yield np.frombuffer(content, self.dtype).reshape(images, *self.shape[1:])


def stored_arrays(path: Path) -> dict[str, StoredArray]:
    """The arrays of an .npz by their names, or the one of an .npy by the file's name. Only headers are read.

    InputError for a file that is missing, damaged, of another kind, without arrays, with arrays of Python objects, or
    with arrays that say another size than they have.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file: mend the path")
    with _damage_named(str(path)), path.open("rb") as stream:
        start = stream.read(6)
    if start == MAGIC["npy"]:
        with _damage_named(f"{path}: {path.stem}"), path.open("rb") as stream:
            return {path.stem: _described(stream, path, path.stem, None, path.stat().st_size)}
    if not start.startswith(MAGIC["npz"]):
        raise InputError(f"{path}: is neither .npy nor .npz: {HOW_TO_SAVE}")
    found: dict[str, StoredArray] = {}
    with _damage_named(f"{path}: archive"), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.filename.endswith(".npy"):
                name = member.filename.removesuffix(".npy")
                at = printable(f"{path}: {name}")
                if name in found:
                    raise InputError(f"{at}: stands in the file twice: save it again with one array of each name")
                with _damage_named(at), archive.open(member) as packed:
                    found[name] = _described(packed, path, name, member.filename, member.file_size)
    if not found:
        raise InputError(f"{path}: holds no NumPy arrays: {HOW_TO_SAVE}")
    return found


def _described(stream: IO[bytes], path: Path, name: str, member: str | None, size: int) -> StoredArray:
    """What the header says, checked against the bytes that are there: no memory is asked for on a header's word."""
    start = io.BytesIO(stream.read(HEADER_BYTES))
    shape, fortran_order, dtype = _header(start)
    at = printable(f"{path}: {name}")
    if dtype.hasobject:
        raise InputError(
            f"{at}: is an array of Python objects, which is not loaded because it could run code: "
            "save numbers, all maps of one size"
        )
    if dtype.names is not None:
        raise InputError(f"{at}: is a table with named columns: save an array of numbers")
    if not shape:
        raise InputError(f"{at}: is a single number: its first axis must count images")
    # True is an int to Python, and no length of an axis.
    if any(type(length) is not int or length < 0 for length in shape):
        raise InputError(f"{at}: says its shape is {shape}, which none can be: {HOW_TO_SAVE}")
    there, said = size - start.tell(), math.prod(shape) * dtype.itemsize
    if there != said:
        raise InputError(
            f"{at}: says it is {shape} of {dtype}, which is {said:,} bytes, and has {there:,}: save or copy it again"
        )
    if (needed := _image_bytes(shape, dtype)) > IMAGE_BYTES:
        raise InputError(
            f"{at}: has shape {shape}: an image takes {needed / 2**20:,.0f} MiB of memory, more than the "
            f"{IMAGE_BYTES / 2**20:.0f} MiB that are read at once: resize the maps, or sum their channels"
        )
    return StoredArray(path, name, member, shape, dtype, start.tell(), fortran_order)


def _image_bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    return math.prod(shape[1:]) * max(dtype.itemsize, np.dtype(np.float64).itemsize)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(stream)
    if version == (1, 0):
        return npy.read_array_header_1_0(stream)
    if version == (2, 0):
        return npy.read_array_header_2_0(stream)
    raise ValueError(f"its format version {version} is not one for arrays of numbers")


@contextmanager
def _damage_named(at: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except _DAMAGE as error:
        why = printable(str(error)) or type(error).__name__
        raise InputError(f"{printable(at)}: cannot be read ({why}): save or copy it again") from error
