"""The storage that machines share while they build: objects with names, in a folder or in a bucket.

An object is there whole or not at all, and whoever lists sees what others have written: nothing is cached.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from attribution.errors import InputError

REMEDY = "use file:///folder or s3://bucket/prefix"
TEMPORARY = ".tmp"
"""How the names of files end that are still being written. No object may be called so."""
LONGEST_NAME = 800
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\\]")


@dataclass(frozen=True)
class Entry:
    """An object: its name, its size in bytes, and when it was written (seconds since 1970, by the storage's clock)."""

    name: str
    size: int
    written_at: float


Names = list[str]
Entries = list[Entry]


class StorageError(OSError):
    """The storage cannot be reached or refuses. The text names the address and the remedy, and holds no secrets."""


class SharedStorage(ABC):
    """Objects below one address. Names are relative, with slashes: `builds/7/chunk-3.zip`.

    Every method raises OSError where the storage fails (StorageError where it is a bucket), and InputError for a name
    that cannot be used. An instance can be used by several threads, and after a fork.
    """

    address: str
    """The address that was opened; it holds no secrets."""

    @staticmethod
    def open(url: str, *, is_hurried: bool = False) -> "SharedStorage":
        """Open `file:///folder` or `s3://bucket/prefix`; anything else raises InputError. Nothing is asked for yet.

        A bucket that hangs is waited for a minute or two; a few seconds if `is_hurried`, because somebody waits.
        The credentials and the endpoint of a bucket are taken from the environment (AWS_ACCESS_KEY_ID,
        AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL).
        """
        scheme, separator, rest = url.partition("://")
        if not separator:
            raise InputError(f"storage {url!r}: is no address; {REMEDY}")
        if scheme == "file":
            return _folder(rest)
        if scheme == "s3":
            return _bucket(rest, is_hurried=is_hurried)
        # What comes before an @ may be a password.
        raise InputError(f"storage {scheme}://{rest.rpartition('@')[2]}: {scheme!r} is not supported; {REMEDY}")

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether there is an object of this name; a folder is none."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """All of an object. Raises FileNotFoundError where there is none."""

    @abstractmethod
    def write(self, name: str, content: bytes) -> None:
        """Make or replace an object; when this returns, it is on the disk."""

    @abstractmethod
    def download(self, name: str, to: Path) -> None:
        """Copy an object into a file, which appears once it is whole. Raises FileNotFoundError where there is none."""

    @abstractmethod
    def upload(self, path: Path, name: str) -> None:
        """Make or replace an object from a file, without holding all of a large one in memory."""

    @abstractmethod
    def list(self, prefix: str = "") -> Names:
        """The names of all objects in the folder `prefix` and below, in order; "" lists everything."""

    @abstractmethod
    def entries(self, prefix: str = "") -> "Entries":
        """As `list`, with each object's size and age; an object that goes meanwhile may be left out."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Delete an object; nothing happens where there is none."""

    @abstractmethod
    def remove_all(self, prefix: str) -> None:
        """Delete all objects in the folder `prefix` and below, and what interrupted writes have left there."""


def checked_name(name: str) -> str:
    """The name of an object; raises InputError where it could lead out of the storage, or into unfinished files."""
    parts = name.split("/")
    if not name or any(part in ("", ".", "..") for part in parts) or _UNPRINTABLE.search(name):
        raise InputError(f"storage: name {name!r} cannot be used; give a relative one without '..', like 'a/b.json'")
    if name.endswith(TEMPORARY):
        raise InputError(f"storage: name {name!r} ends with {TEMPORARY}, as unfinished files do; choose another ending")
    if len(name.encode()) > LONGEST_NAME:
        raise InputError(f"storage: name {name[:60]!r}... is longer than {LONGEST_NAME} bytes; choose a shorter one")
    return name


def checked_prefix(prefix: str) -> str:
    """The name of a folder, without a slash at its end; "" is the whole storage."""
    return checked_name(prefix.removesuffix("/")) if prefix else ""


def _folder(path: str) -> SharedStorage:
    from attribution.shared_folder import SharedFolder

    if not path.startswith("/") or path.startswith("//") or "\x00" in path:
        raise InputError(f"storage file://{path}: is no folder with a full path; use file:///folder")
    return SharedFolder(Path(path))


def _bucket(path: str, *, is_hurried: bool) -> SharedStorage:
    from attribution.shared_bucket import SharedBucket

    if "@" in path:
        raise InputError(
            f"storage s3://...@{path.rpartition('@')[2]}: has credentials in it; put them into AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, and use s3://bucket/prefix"
        )
    bucket, _, prefix = path.partition("/")
    prefix = prefix.strip("/")
    if not _BUCKET.fullmatch(bucket):
        raise InputError(f"storage s3://{path}: {bucket!r} is no name of a bucket; use s3://bucket/prefix")
    if prefix:
        try:
            checked_name(prefix)
        except InputError as error:
            raise InputError(f"storage s3://{path}: the prefix cannot be used; {REMEDY}") from error
    return SharedBucket(bucket, prefix, is_hurried=is_hurried)
