"""Reading a backup, and comparing every byte with its digest before anything is done with it."""

import gzip
import hashlib
import json
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.utils import validate_file_name
from pydantic import ValidationError

from harmony_app.backups.digests import copy_digested
from harmony_app.backups.manifest import (
    LARGEST_MANIFEST,
    MANIFEST,
    MANIFEST_DIGEST,
    BackupError,
    Manifest,
    MediaObject,
    TableFile,
    media_file,
    read_manifest,
)
from harmony_app.backups.sources import Source

LONGEST_LINE = 64 * 2**20
UNREADABLE = (OSError, EOFError, zlib.error, tarfile.TarError, UnicodeDecodeError)


def read_checked_manifest(source: Source) -> Manifest:
    """Return the manifest; raises BackupError where it is missing, changed or of another format."""
    where = f"{source.where}: {MANIFEST}"
    if source.size(MANIFEST) > LARGEST_MANIFEST or source.size(MANIFEST_DIGEST) > LARGEST_MANIFEST:
        raise BackupError(f"{where}: is too large for one; take another backup")
    with _readable(where), source.open(MANIFEST) as file, source.open(MANIFEST_DIGEST) as digest_file:
        content = file.read()
        wanted = digest_file.read().split(b" ")[0]
    manifest = read_manifest(content, where)
    if hashlib.sha256(content).hexdigest().encode() != wanted:
        raise _changed(source, MANIFEST)
    return manifest


def verify(source: Source, manifest: Manifest) -> None:
    """Compare every file of the backup with its size and digest; raises BackupError at the first that differs."""
    for table in manifest.tables:
        _verify_file(source, table.file, table.sha256, table.bytes)
    _verify_file(source, manifest.media.file, manifest.media.sha256, manifest.media.bytes)
    sizes: dict[str, int] = {}
    count = 0
    for one in media_objects(source, manifest):
        if sizes.setdefault(one.sha256, one.bytes) != one.bytes:
            raise _changed(source, manifest.media.file)
        count += 1
    if count != manifest.media.objects:
        raise _changed(source, manifest.media.file)
    for digest, size in sizes.items():
        _verify_file(source, media_file(digest), digest, size)


def media_objects(source: Source, manifest: Manifest) -> Iterator[MediaObject]:
    """Yield the objects of the storage; raises BackupError for a name that would lead elsewhere."""
    for line in _lines(source, manifest.media.file):
        try:
            one = MediaObject.model_validate_json(line)
            if "\\" in one.name or "\0" in one.name:
                raise SuspiciousFileOperation("with a backslash or a NUL")
            validate_file_name(one.name, allow_relative_path=True)
        except (ValidationError, SuspiciousFileOperation) as error:
            raise BackupError(f"{source.where}: {manifest.media.file}: {line[:200]!r}: {error}") from error
        yield one


def table_rows(source: Source, table: TableFile, header: list[list[str]]) -> Iterator[list[Any]]:
    """Yield the rows of a table; raises BackupError where its columns are not those of the header."""
    lines = _lines(source, table.file)
    where = f"{source.where}: {table.file}"
    expected = {"model": table.model, "columns": header}
    with _readable(where):
        if json.loads(next(lines, "null")) != expected:
            raise BackupError(f"{where}: has other columns than this Harmony; restore with the one that made it")
    count = 0
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BackupError(f"{where}: row {count + 1} is no JSON; take another backup") from error
        if not isinstance(row, list) or len(row) != len(header):
            raise BackupError(f"{where}: row {count + 1} has other columns than the table; take another backup")
        count += 1
        yield row
    if count != table.rows:
        raise BackupError(f"{where}: has {count} rows and should have {table.rows}; take another backup")


def _lines(source: Source, name: str) -> Iterator[str]:
    with _readable(f"{source.where}: {name}"), source.open(name) as raw, gzip.GzipFile(fileobj=raw) as packed:
        while line := packed.readline(LONGEST_LINE):
            yield line.decode("ascii")


def _verify_file(source: Source, name: str, sha256: str, size: int) -> None:
    if source.size(name) != size:
        raise _changed(source, name)
    with _readable(f"{source.where}: {name}"), source.open(name) as file:
        if copy_digested(file) != (sha256, size):
            raise _changed(source, name)


def _changed(source: Source, name: str) -> BackupError:
    return BackupError(
        f"{source.where}: {name} is not as it was written (size or SHA-256 differ); copy it again, or take another "
        "backup"
    )


@contextmanager
def _readable(where: str) -> Iterator[None]:
    """Raise BackupError for what cannot be read."""
    try:
        yield
    except UNREADABLE as error:
        raise BackupError(f"{where}: cannot be read ({error}); copy it again, or take another backup") from error
