"""Shared storage in a folder, which may be mounted on several machines."""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from attribution.shared_storage import TEMPORARY, Entries, Entry, Names, SharedStorage, checked_name, checked_prefix

ATTEMPTS = 5
"""How often a write is begun: somebody else may delete its folder, empty as it still is, in the meantime."""


class SharedFolder(SharedStorage):
    """Objects are files below `folder`, which is made with the first of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"file://{folder}"

    def exists(self, name: str) -> bool:
        return self._path(name).is_file()

    def read(self, name: str) -> bytes:
        with _missing_if_no_file(name):
            return self._path(name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        _write_whole(self._path(name), lambda file: file.write(content))

    def download(self, name: str, to: Path) -> None:
        with _missing_if_no_file(name), self._path(name).open("rb") as source:
            write_beside(to, lambda file: shutil.copyfileobj(source, file, 2**20))

    def upload(self, path: Path, name: str) -> None:
        with path.open("rb") as source:

            def copy(file: BinaryIO) -> None:
                source.seek(0)
                shutil.copyfileobj(source, file, 2**20)

            _write_whole(self._path(name), copy)

    def list(self, prefix: str = "") -> Names:
        folder = self.folder / checked_prefix(prefix)
        paths = (path for path in _files(folder) if not path.name.endswith(TEMPORARY))
        return sorted(path.relative_to(self.folder).as_posix() for path in paths)

    def entries(self, prefix: str = "") -> Entries:
        found = []
        for name in self.list(prefix):
            with contextlib.suppress(FileNotFoundError):
                seen = self._path(name).stat()
                found.append(Entry(name, seen.st_size, seen.st_mtime))
        return found

    def remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            self._path(name).unlink()

    def remove_all(self, prefix: str) -> None:
        folder = self.folder / checked_name(prefix.removesuffix("/"))
        for path in _files(folder):
            path.unlink(missing_ok=True)
        for home, _, _ in os.walk(folder, topdown=False):
            # Gone already, or somebody writes there again.
            with contextlib.suppress(OSError):
                Path(home).rmdir()

    def _path(self, name: str) -> Path:
        return self.folder / checked_name(name)


def write_beside(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Fill a temporary file beside `path`, and rename it once it is whole and on the disk."""
    temporary = path.with_name(f".{secrets.token_hex(8)}{TEMPORARY}")
    try:
        with temporary.open("xb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write_whole(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    for attempt in range(ATTEMPTS):
        _make_folder(path.parent)
        try:
            write_beside(path, fill)
        except FileNotFoundError:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            _keep(path.parent)
            return


def _make_folder(folder: Path) -> None:
    """Make a folder that survives the loss of power, as its files do."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    # Somebody else may make it, or delete its parent, just now.
    with contextlib.suppress(FileNotFoundError):
        folder.mkdir(exist_ok=True)
        _keep(folder.parent)


def _keep(folder: Path) -> None:
    """Write the names in a folder to the disk."""
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _files(folder: Path) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        # Deleted since its name was read; anything else would pass for an empty folder.
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise error

    for home, _, names in os.walk(folder, onerror=unreadable):
        for name in names:
            yield Path(home, name)


@contextlib.contextmanager
def _missing_if_no_file(name: str) -> Iterator[None]:
    """Say of a folder what is said of what is absent."""
    try:
        yield
    except (IsADirectoryError, NotADirectoryError) as error:
        raise FileNotFoundError(errno.ENOENT, "there is no such object", name) from error
