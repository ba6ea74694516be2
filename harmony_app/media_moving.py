"""Copying everything in one storage to another, so that the site can go on with that."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.core.exceptions import ImproperlyConfigured
from django.core.files import File
from django.core.files.storage import Storage, storages

from harmony_app.media_storage import bucket_storage, folder_storage
from studies.media import ObjectStorage, in_parallel, sizes_below

IN_MEMORY = 8 * 2**20
CHUNK = 2**20

# Shows progress: is given what is done and of how many, and yields it.
Watch = Callable[[Iterable["Outcome"], int], Iterable["Outcome"]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one object. `fault` says why it is not at the other storage as it is here."""

    name: str
    size: int
    is_copied: bool
    fault: str | None = None


def opened_storage(url: str) -> Storage:
    """The storage at `file:///folder` or `s3://bucket/prefix`. Raises ImproperlyConfigured for anything else."""
    scheme, separator, rest = url.partition("://")
    if scheme == "file" and separator:
        if not rest.startswith("/") or not rest.strip("/"):
            raise ImproperlyConfigured(f"--to {url}: is no folder with a full path; use file:///folder")
        return storages.create_storage(folder_storage(Path(rest)))
    if scheme != "s3":
        raise ImproperlyConfigured(
            f"--to {scheme + separator + rest.rpartition('@')[2]}: use s3://bucket/prefix or file:///folder"
        )
    return storages.create_storage(bucket_storage(url, "--to"))


def place_of(storage: Storage) -> str:
    """Where a storage keeps its objects, as an address."""
    if isinstance(storage, ObjectStorage):
        return str(getattr(storage, "address", storage))
    return f"file://{Path(getattr(storage, 'location', '')).resolve()}"


def is_inside(place: str, other: str) -> bool:
    """Whether one address is below the other: a copy would then be copied the next time."""
    return place.startswith(f"{other.rstrip('/')}/")


def media_copy(*, source: Storage, target: Storage, is_thorough: bool, watch: Watch) -> list[Outcome]:
    """Copy every object; what was copied is read back and compared by digest.

    What is there with the same size is left alone, so that an interrupted copy goes on where it was; `is_thorough`
    compares its digest as well, and copies it again where that differs.
    """
    wanted = sizes_below("", source)
    there = sizes_below("", target)

    def settle(name: str) -> Outcome:
        is_there = there.get(name) == wanted[name]
        if is_there and not (is_thorough and _digest_at(target, name) != _digest_at(source, name)):
            return Outcome(name, wanted[name], is_copied=False)
        return _copied(source, target, name, is_replaced=name in there)

    parallel = target if isinstance(target, ObjectStorage) else source
    return list(watch(in_parallel(settle, wanted, parallel), len(wanted)))


def _copied(source: Storage, target: Storage, name: str, *, is_replaced: bool) -> Outcome:
    try:
        opened = source.open(name)
    except FileNotFoundError:
        # Deleted since it was listed, as the files of earlier reports are.
        return Outcome(name, 0, is_copied=False)
    with opened as file, tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as held:
        digest = _digest(file, held)
        size = held.tell()
        held.seek(0)
        if is_replaced and not isinstance(target, ObjectStorage):
            # A folder would keep both, the second under another name.
            target.delete(name)
        saved = target.save(name, File(held, name=name))
    if saved != name:
        target.delete(saved)
        return Outcome(name, size, is_copied=False, fault=f"{name}: somebody else writes there; copy again")
    if _digest_at(target, name) != digest:
        return Outcome(
            name, size, is_copied=False, fault=f"{name}: other bytes were read than were written; copy again"
        )
    return Outcome(name, size, is_copied=True)


def _digest_at(storage: Storage, name: str) -> str:
    with storage.open(name) as file:
        return _digest(file)


def _digest(file: IO[Any], copy: IO[bytes] | None = None) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        if copy is not None:
            copy.write(chunk)
    return digest.hexdigest()
