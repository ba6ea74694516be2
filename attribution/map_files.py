"""Arrays in .npy and .npz files, read a few images at a time, so that files of any size can be scored."""

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

MAGIC = {"npy": b"\x93NUMPY", "npz": b"PK"}
HOW_TO_SAVE = "save it with numpy.save or numpy.savez (from torch: tensor.detach().cpu().numpy())"


@dataclass(frozen=True)
class StoredArray:
    """An array in a file; `member` is its place in an .npz, None for an .npy. The first axis counts images."""

    path: Path
    name: str
    member: str | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __str__(self) -> str:
        return f"{self.path}: {self.name}"

    def chunks(self, count: int) -> Iterator[np.ndarray]:
        """The array, `count` images at a time, in order. InputError if the file is damaged."""
        with _damage_named(self.path, self.name):
            yield from self._mapped(count) if self.member is None else self._streamed(self.member, count)

    def whole(self) -> np.ndarray:
        """The array in memory."""
        return np.concatenate(list(self.chunks(max(self.shape[0], 1))))

    def _mapped(self, count: int) -> Iterator[np.ndarray]:
        array = np.load(self.path, mmap_mode="r", allow_pickle=False)
        for start in range(0, len(array), count):
            yield np.asarray(array[start : start + count])

    def _streamed(self, member: str, count: int) -> Iterator[np.ndarray]:
        with zipfile.ZipFile(self.path) as archive, archive.open(member) as stream:
            shape, fortran_order, dtype = _header(stream)
            if fortran_order:
                # Its images do not lie one after another: there is no reading it in parts.
                with archive.open(member) as again:
                    array = npy.read_array(again, allow_pickle=False)
                for start in range(0, len(array), count):
                    yield array[start : start + count]
                return
            image = int(np.prod(shape[1:])) * dtype.itemsize
            for start in range(0, shape[0], count):
                images = min(count, shape[0] - start)
                content = stream.read(images * image)
                if len(content) < images * image:
                    raise EOFError("the file ends early")
                yield np.frombuffer(content, dtype).reshape(images, *shape[1:])


def stored_arrays(path: Path) -> dict[str, StoredArray]:
    """The arrays of an .npz by their names, or the one of an .npy by the file's name. Only headers are read.

    InputError for a file that is missing, damaged, of another kind, without arrays, or with arrays of Python objects.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file: mend the path")
    with path.open("rb") as stream:
        start = stream.read(6)
    if start == MAGIC["npy"]:
        with _damage_named(path, path.stem), path.open("rb") as stream:
            return {path.stem: _described(stream, path, path.stem, None)}
    if not start.startswith(MAGIC["npz"]):
        raise InputError(f"{path}: is neither .npy nor .npz: {HOW_TO_SAVE}")
    found = {}
    with _damage_named(path, "archive"), zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if member.endswith(".npy"):
                name = member.removesuffix(".npy")
                with archive.open(member) as packed:
                    found[name] = _described(packed, path, name, member)
    if not found:
        raise InputError(f"{path}: holds no NumPy arrays: {HOW_TO_SAVE}")
    return found


def _described(stream: IO[bytes], path: Path, name: str, member: str | None) -> StoredArray:
    shape, _, dtype = _header(stream)
    if dtype.hasobject:
        raise InputError(
            f"{path}: {name}: is an array of Python objects, which is not loaded because it could run code: "
            "save numbers, all maps of one size"
        )
    if dtype.names is not None:
        raise InputError(f"{path}: {name}: is a table with named columns: save an array of numbers")
    if not shape:
        raise InputError(f"{path}: {name}: is a single number: its first axis must count images")
    return StoredArray(path, name, member, shape, dtype)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(stream)
    if version == (1, 0):
        return npy.read_array_header_1_0(stream)
    if version == (2, 0):
        return npy.read_array_header_2_0(stream)
    raise ValueError(f"its format version {version} is not one for arrays of numbers")


@contextmanager
def _damage_named(path: Path, name: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise InputError(f"{path}: {name}: cannot be read ({error}): save or copy it again") from error
