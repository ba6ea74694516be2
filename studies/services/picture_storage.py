"""Pictures in the storage, named by the digest of their bytes."""

import hashlib
import os
from collections.abc import Callable, Iterable
from typing import IO, Any, cast

from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage, storages

from studies.media import ObjectStorage, whole_file_write
from studies.models import Picture

OpenContent = Callable[[], IO[Any]]


def picture_store(*, digest: str, open_content: OpenContent, is_known: bool = True) -> bool:
    """Put a picture into the storage unless it is there; returns whether it was not. Leaves the database alone.

    It is there whole or not at all. Of one that is not known (`pictures_known`) a bucket is not asked first.
    """
    name = Picture.path_of(digest)
    # Once for each picture, what stands behind `default_storage` takes longer to find than the row.
    storage = storages["default"]
    if isinstance(storage, ObjectStorage):
        if is_known and _has_size_of(name, open_content):
            return False
        with open_content() as file:
            storage.save(name, File(file))
        return True
    folder = cast(FileSystemStorage, storage)
    path = folder.path(name)
    if _has_digest(path, digest):
        return False
    with open_content() as file:
        whole_file_write(folder, path, file)
    return True


def picture_is_whole(digest: str) -> bool:
    """Whether the storage has the picture, byte for byte."""
    try:
        with default_storage.open(Picture.path_of(digest), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest() == digest
    except FileNotFoundError:
        return False


def pictures_known(digests: Iterable[str]) -> set[str]:
    """Which of these pictures the database has rows of, so that the storage has them unless it has lost them.

    Nothing is asked where the storage is a folder: `picture_store` looks there itself.
    """
    if not isinstance(default_storage, ObjectStorage):
        return set()
    return set(Picture.objects.in_bulk(list(digests), field_name="digest"))


def _has_size_of(name: str, open_content: OpenContent) -> bool:
    """Whether there is an object of the right size: never half-written, but somebody else may have put one there."""
    with open_content() as file:
        wanted = file.seek(0, 2)
    try:
        return default_storage.size(name) == wanted
    except FileNotFoundError:
        return False


def _has_digest(path: str, digest: str) -> bool:
    """Whether there is a file with these bytes, and not one that is damaged."""
    # Most are new, and an error takes longer than to ask.
    if not os.path.exists(path):  # noqa: PTH110
        return False
    try:
        # To make a Path takes longer than to find out that there is no file.
        with open(path, "rb") as file:  # noqa: PTH123
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except FileNotFoundError:
        return False
