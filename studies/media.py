"""Pictures, reports and imports in the storage, alike for a folder and for a bucket.

A bucket has no folders, only names with slashes, and every question to it is a request over the network. What can be
asked in one request is asked so, and several requests go at the same time.
"""

import os
import secrets
import shutil
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from pathlib import Path
from typing import IO, TypeVar

from django.core.files.storage import FileSystemStorage, Storage, default_storage

REQUESTS_AT_ONCE = 8
UNFINISHED = ".tmp"
"""How the names of files end, after a dot at their beginning, that are still being written to a folder."""
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL

Item = TypeVar("Item")
Result = TypeVar("Result")

_HURRIED: ContextVar[bool] = ContextVar("storage_hurried", default=False)
_MAY_BE_REFUSED: ContextVar[bool] = ContextVar("storage_may_be_refused", default=False)


class StorageFailedError(OSError):
    """The bucket cannot be reached or refuses. The text names the address and the remedy, and holds no secrets."""


class ObjectStorage(ABC):
    """What a storage of objects can do beyond Django's."""

    @abstractmethod
    def object_sizes(self, folder: str) -> dict[str, int]:
        """The names of all objects in a folder and below, with their sizes in bytes."""

    @abstractmethod
    def object_folders(self, folder: str) -> list[str]:
        """The names of the folders in a folder; "" is the whole storage."""

    @abstractmethod
    def delete_objects(self, names: Sequence[str]) -> None:
        """Delete many objects; those that are absent are left out."""


@contextmanager
def hurried(*, is_refused: bool = True) -> Iterator[None]:
    """Within the block, in this thread and `in_parallel`, a bucket that hangs is given up after a few seconds.

    For what somebody waits for. What works in the background is more patient. One that has hung several times in a row
    is not asked at all for a while, unless `is_refused` is false: for who has to see for himself.
    """
    tokens = _HURRIED.set(True), _MAY_BE_REFUSED.set(is_refused)
    try:
        yield
    finally:
        _HURRIED.reset(tokens[0])
        _MAY_BE_REFUSED.reset(tokens[1])


def is_hurried() -> bool:
    return _HURRIED.get()


def may_be_refused() -> bool:
    """Whether a bucket that hangs may be left alone, and the look refused at once."""
    return _MAY_BE_REFUSED.get()


def stored_bytes(name: str, storage: Storage = default_storage) -> bytes:
    """All of a file in the storage. Raises FileNotFoundError where there is none."""
    with storage.open(name, "rb") as file:
        content: bytes = file.read()
    return content


def whole_file_write(storage: FileSystemStorage, path: str, content: IO[bytes]) -> None:
    """Write or replace a file in the folder of a storage: it is there whole or not at all, whenever the process ends.

    Django's `save` shows it half-written, and takes several times as much of the processor for a small one.
    """
    parent = path.rpartition("/")[0]
    temporary = f"{parent}/.{secrets.token_hex(8)}{UNFINISHED}"
    try:
        descriptor = os.open(temporary, NEW_FILE, 0o666)
    except FileNotFoundError:
        _make_folder(storage, Path(parent))
        descriptor = os.open(temporary, NEW_FILE, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(content, file)
            if storage.file_permissions_mode is not None:
                os.fchmod(descriptor, storage.file_permissions_mode)
        # Two of Path would take as long as the renaming.
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def sizes_below(folder: str, storage: Storage = default_storage) -> dict[str, int]:
    """The names of all files in a folder and below, in order, with their sizes; "" is the whole storage."""
    if isinstance(storage, ObjectStorage):
        return dict(sorted(storage.object_sizes(folder).items()))
    return dict(sorted(_sizes(folder, storage)))


def folders_in(folder: str, storage: Storage = default_storage) -> list[str]:
    """The names of the folders in a folder; none where it is absent."""
    if isinstance(storage, ObjectStorage):
        return sorted(storage.object_folders(folder))
    return sorted(_listed(folder, storage)[0])


def folder_delete(folder: str, storage: Storage = default_storage) -> None:
    """Delete a folder with all that is in it; nothing happens where it is absent."""
    if isinstance(storage, ObjectStorage):
        storage.delete_objects(list(storage.object_sizes(folder)))
        return
    if not storage.exists(folder):
        return
    folders, files = _listed(folder, storage)
    for name in folders:
        folder_delete(f"{folder}/{name}", storage)
    for name in files:
        storage.delete(f"{folder}/{name}")
    storage.delete(folder)


def in_parallel(
    call: Callable[[Item], Result], items: Iterable[Item], storage: Storage = default_storage
) -> Iterator[Result]:
    """What `call` returns for each item, in their order: several at a time for a bucket, one by one for a folder.

    `call` runs in threads, so it must leave the database alone. The first error ends everything that was not begun.
    Items are taken as they are needed, so there may be any number of them.
    """
    if not isinstance(storage, ObjectStorage):
        yield from map(call, items)
        return
    begun: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="storage") as threads:
        try:
            for item in items:
                begun.append(threads.submit(copy_context().run, call, item))
                if len(begun) >= 2 * REQUESTS_AT_ONCE:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            threads.shutdown(wait=True, cancel_futures=True)


def _make_folder(storage: FileSystemStorage, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if storage.directory_permissions_mode is not None:
        folder.chmod(storage.directory_permissions_mode)


def _sizes(folder: str, storage: Storage) -> Iterator[tuple[str, int]]:
    folders, files = _listed(folder, storage)
    for name in folders:
        yield from _sizes(_joined(folder, name), storage)
    for name in files:
        if name.startswith(".") and name.endswith(UNFINISHED):
            continue
        path = _joined(folder, name)
        yield path, storage.size(path)


def _listed(folder: str, storage: Storage) -> tuple[list[str], list[str]]:
    try:
        return storage.listdir(folder)
    except FileNotFoundError:
        return [], []


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
