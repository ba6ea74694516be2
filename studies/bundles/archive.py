"""Bundles as zip archives: looked through before anything is unpacked; the pictures are read where they are.

Only what a bundle has is taken: its two JSON files and pictures named by digest, in the archive's top folder or in one
folder. So no name can lead outside of where it is unpacked to.
"""

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from studies.bundles.errors import BundleError
from studies.bundles.files import FIXTURE, LARGEST_FIXTURE, MANIFEST, MEDIA_NAME

ARCHIVE = "archive"
LARGEST_PICTURE = 32 * 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What an archive may have: entries, bytes of its list of contents, of a JSON file, and of all that is unpacked."""

    entries: int
    listing: int
    json: int
    unpacked: int
    zip64: bool = False


UPLOADED = Limits(entries=50_000, listing=16 * 1024**2, json=64 * 1024**2, unpacked=4 * 1024**3)
BUILT = Limits(entries=500_000, listing=256 * 1024**2, json=LARGEST_FIXTURE, unpacked=64 * 1024**3, zip64=True)
"""Of what the own workers have put together, whose digest is known: what days of work brought is not refused."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
IS_ENCRYPTED = 0x1
CHUNK = 1024 * 1024

END = struct.Struct("<4s4H2LH")
END_SIGNATURE = b"PK\x05\x06"
LARGE_SIGNATURE = b"PK\x06\x07"
LARGE_SIZE = 20

PACK_AGAIN = "pack the bundle's folder again as a plain zip archive"
UNREADABLE = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError, ValueError)


class PictureArchive:
    """Pictures below `top` in an archive that was looked through, and that has to stay open."""

    def __init__(self, opened: zipfile.ZipFile, top: str) -> None:
        # Its own list is asked: another one of so many entries would take much memory.
        self._opened = opened
        self._top = top

    def name(self, digest: str) -> str:
        return f"media/{digest}.png"

    def size(self, digest: str) -> int:
        try:
            return self._entry(digest).file_size
        except FileNotFoundError:
            return 0

    def open(self, digest: str) -> IO[bytes]:
        return self._opened.open(self._entry(digest))

    def _entry(self, digest: str) -> zipfile.ZipInfo:
        try:
            return self._opened.getinfo(self._top + self.name(digest))
        except KeyError as error:
            raise FileNotFoundError(self.name(digest)) from error

    @contextmanager
    def readable(self, digest: str) -> Iterator[None]:
        try:
            with _readable():
                yield
        except FileNotFoundError as error:
            raise BundleError(self.name(digest), "the file is missing", PACK_AGAIN) from error


def unpack_bundle(archive: IO[bytes], folder: Path, limits: Limits = UPLOADED) -> PictureArchive:
    """Unpack manifest and fixture from a seekable file into a folder; returns the pictures, which stay where they are.

    What the archive says about itself is checked first, and what comes out of it when it is read. Raises BundleError
    for anything that it should not have.

    Pictures are not unpacked, since they are stored one by one anyhow: to make, read and delete so many files more
    takes longer than all the rest, and file systems are slow for minutes after so many were deleted.
    """
    _check_end(archive, limits)
    with _readable():
        opened = zipfile.ZipFile(archive)
        top = _top_folder(opened.namelist())
        entries = dict(_checked_entries(opened.infolist(), top, limits))
        folder.mkdir(exist_ok=True)
        for name in (MANIFEST, FIXTURE):
            if name in entries:
                _unpack(opened, entries[name], folder / name)
    return PictureArchive(opened, top)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (BundleError, FileNotFoundError):
        raise
    except UNREADABLE as error:
        raise BundleError(ARCHIVE, f"cannot be unpacked ({error})", PACK_AGAIN) from error


def _check_end(archive: IO[bytes], limits: Limits) -> None:
    """Refuse what is no archive, and a list of contents that is too long to be read.

    The record at the end must be the last bytes of the file, so that everyone finds the same one.
    """
    size = archive.seek(0, 2)
    archive.seek(max(0, size - END.size - LARGE_SIZE))
    tail = archive.read()
    archive.seek(0)
    if tail[-END.size :][:4] != END_SIGNATURE:
        raise BundleError(ARCHIVE, "is no whole zip archive, or has a comment", PACK_AGAIN)
    is_large = tail[: -END.size][-LARGE_SIZE:][:4] == LARGE_SIGNATURE
    if is_large and not limits.zip64:
        raise BundleError(ARCHIVE, "is in the format for larger archives (zip64)", PACK_AGAIN)
    _, _, _, _, entries, list_size, _, comment = END.unpack(tail[-END.size :])
    if comment:
        raise BundleError(ARCHIVE, "has a comment", PACK_AGAIN)
    # The format for larger archives says it elsewhere.
    if not is_large and (entries > limits.entries or list_size > limits.listing):
        raise _too_many(limits)


def _too_many(limits: Limits) -> BundleError:
    return BundleError(ARCHIVE, f"has more than {limits.entries} entries", "export a smaller bundle")


def _checked_entries(listed: list[zipfile.ZipInfo], top: str, limits: Limits) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """Give the entries to unpack by their names in the bundle; raises BundleError before the first, if at all."""
    if len(listed) > limits.entries:
        raise _too_many(limits)
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in listed:
        where = f"{ARCHIVE}: {entry.filename!r}"
        _check_kind(where, entry)
        name = entry.filename.removeprefix(top)
        if entry.is_dir():
            if name not in ("", "media/"):
                raise BundleError(where, "is a folder that no bundle has", PACK_AGAIN)
            continue
        largest = LARGEST_PICTURE if MEDIA_NAME.fullmatch(name) else limits.json
        if name not in (MANIFEST, FIXTURE) and MEDIA_NAME.fullmatch(name) is None:
            problem = f"is neither {MANIFEST}, {FIXTURE} nor media/<SHA-256>.png"
            raise BundleError(where, problem, PACK_AGAIN)
        if name in found:
            raise BundleError(where, "comes twice", PACK_AGAIN)
        if entry.file_size > largest:
            raise BundleError(where, f"is larger than {largest >> 20} MiB", "export a smaller bundle")
        found[name] = entry
    if sum(entry.file_size for entry in found.values()) > limits.unpacked:
        raise BundleError(ARCHIVE, f"unpacks to more than {limits.unpacked >> 30} GiB", "export a smaller bundle")
    yield from found.items()


def _top_folder(names: list[str]) -> str:
    """Return the folder with a slash that everything is in, as when a folder is packed; "" if there is none."""
    manifests = [name for name in names if name == MANIFEST or name.endswith(f"/{MANIFEST}")]
    if len(manifests) != 1 or not re.fullmatch(rf"[^/\\\0]+/{MANIFEST}", manifests[0]):
        return ""
    top = manifests[0].removesuffix(MANIFEST)
    return top if top not in ("./", "../") and all(name.startswith(top) for name in names) else ""


def _check_kind(where: str, entry: zipfile.ZipInfo) -> None:
    mode = stat.S_IFMT(entry.external_attr >> 16)
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BundleError(where, "is a link or another special file", "copy the files themselves into the bundle")
    if entry.flag_bits & IS_ENCRYPTED:
        raise BundleError(where, "is encrypted", "pack the bundle without a password")
    if entry.compress_type not in METHODS:
        raise BundleError(where, "is compressed in an unusual way", PACK_AGAIN)


def _unpack(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    """Write one entry; never more than it says to have, whatever comes out of it."""
    left = entry.file_size
    with opened.open(entry) as source, path.open("xb") as target:
        while chunk := source.read(min(CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                break
            target.write(chunk)
    if left != 0:
        raise BundleError(f"{ARCHIVE}: {entry.filename!r}", "is not as large as it says", PACK_AGAIN)
