"""The files of a bundle: the manifest's list, and whether each file is what the list says."""

import hashlib
import io
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from PIL import Image, UnidentifiedImageError

from studies.bundles.errors import EXPORT_AGAIN, BundleError
from studies.bundles.fields import DIGEST
from studies.bundles.json_stream import JsonStream
from studies.bundles.scratch import BATCH, Scratch

FORMAT = "harmony-bundle/1"
FIXTURE = "study.json"
MANIFEST = "manifest.json"
MEDIA_NAME = re.compile(r"media/([0-9a-f]{64})\.png")
# A picture is unpacked for every annotator who sees it: this one takes 48 MiB.
LONGEST_SIDE = 4096
LARGEST_FILE = 256 * 1024 * 1024
# Read piece by piece; this is some five million trials.
LARGEST_FIXTURE = 4 * 1024**3
# Files up to this size are read once and stored from memory.
READ_AT_ONCE = 1024 * 1024

NO_LINKS = "copy the files themselves into the bundle"
COPY_AGAIN = "copy the whole bundle again"

# Shows progress: is given the items and what is done to them, and yields the items.
Watch = Callable[[Sequence[Any], str], Iterable[Any]]


def unwatched(items: Sequence[Any], what: str) -> Iterable[Any]:
    """Show no progress."""
    return items


@dataclass(frozen=True)
class Bundle:
    """A bundle whose manifest is sound and whose fixture is what the manifest says.

    `study` is the slug, and `digest` stands for all files together. The table `file` of `scratch` has the digests of
    the pictures; the fixture's objects get tables of their own (`read_fixture`).
    """

    folder: Path
    study: str
    digest: str
    scratch: Scratch


@dataclass(frozen=True)
class SoundPicture:
    """A picture whose bytes are those that its digest stands for; `size` is its width and height in pixels."""

    size: tuple[int, int]
    open_content: Callable[[], IO[bytes]]


def read_manifest(folder: Path, scratch: Scratch) -> Bundle:
    """Read the manifest, and compare the fixture with its digest. Raises BundleError."""
    scratch.run("CREATE TABLE file (digest TEXT PRIMARY KEY) WITHOUT ROWID")
    with json_stream(folder / MANIFEST) as stream:
        if stream.next_character() != "{":
            raise _odd_format(stream.value())
        listed = _Listed(scratch)
        told: dict[str, Any] = {}
        for name in stream.names():
            if name == "files" and stream.next_character() == "{":
                listed.read(stream)
            else:
                value = stream.value()
                # Of the rest, nothing is kept.
                if name in ("format", "study"):
                    told[name] = value
        stream.end()
    if told.get("format") != FORMAT:
        raise _odd_format(told.get("format"))
    study = told.get("study")
    if not isinstance(study, str):
        raise BundleError(f"{MANIFEST}: study", f"{study!r} is no slug", EXPORT_AGAIN)
    if listed.fault is not None:
        raise listed.fault
    if listed.fixture is None:
        raise BundleError(f"{MANIFEST}: files", f"no digest of {FIXTURE}", EXPORT_AGAIN)
    path = folder / FIXTURE
    refuse_odd_file(path, LARGEST_FIXTURE)
    with _opened(path) as file:
        _compare(path, hashlib.file_digest(file, "sha256").hexdigest(), listed.fixture)
    if (folder / "media").is_symlink():
        raise BundleError(f"{MANIFEST}: files", f"the folder {folder / 'media'} is a link", NO_LINKS)
    return Bundle(folder, study, _digest_of_all(scratch, listed.fixture), scratch)


def manifest_study(folder: Path) -> str | None:
    """Return the slug that the manifest names, None where it names none. Raises BundleError if it cannot be read."""
    with json_stream(folder / MANIFEST) as stream:
        if stream.next_character() != "{":
            return None
        study = None
        for name in stream.names():
            if name == "files" and stream.next_character() == "{":
                for _ in stream.names():
                    stream.value()
                continue
            value = stream.value()
            study = value if name == "study" else study
        return study if isinstance(study, str) else None


def sound_picture(bundle: Bundle, digest: str) -> SoundPicture:
    """Read a picture, and check its bytes and that it is a PNG. Raises BundleError; may be called in any thread."""
    path = bundle.folder / "media" / f"{digest}.png"
    size = refuse_odd_file(path)
    with _opened(path) as file:
        if size > READ_AT_ONCE:
            _compare(path, hashlib.file_digest(file, "sha256").hexdigest(), digest)
            file.seek(0)
            return SoundPicture(_png_size(path, file), lambda: path.open("rb"))
        content = file.read()
    _compare(path, hashlib.sha256(content).hexdigest(), digest)
    return SoundPicture(_png_size(path, io.BytesIO(content)), partial(io.BytesIO, content))


@contextmanager
def json_stream(path: Path) -> Iterator[JsonStream]:
    """Open a JSON file of a bundle to be read piece by piece. Raises BundleError for what is no JSON."""
    refuse_odd_file(path, LARGEST_FIXTURE if path.name == FIXTURE else LARGEST_FILE)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield JsonStream(file)
    except BundleError:
        raise
    except FileNotFoundError as error:
        raise BundleError(str(path), "the file is missing", "give the folder of a bundle") from error
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(str(path), f"cannot be read as JSON ({error})", EXPORT_AGAIN) from error


def refuse_odd_file(path: Path, largest: int = LARGEST_FILE) -> int:
    """Return the size of a file in bytes, 0 where there is none.

    Refuses links, which lead outside, pipes, which never end, and files that are larger than any of a bundle.
    """
    try:
        found = path.lstat()
    except OSError:
        # Whoever opens it finds out why.
        return 0
    if stat.S_ISLNK(found.st_mode):
        raise BundleError(str(path), "is a link", NO_LINKS)
    if not stat.S_ISREG(found.st_mode):
        raise BundleError(str(path), "is not a file", NO_LINKS)
    if found.st_size > largest:
        raise BundleError(str(path), f"is larger than {largest >> 20} MiB", EXPORT_AGAIN)
    return found.st_size


class _Listed:
    """The manifest's list of files: the pictures go to scratch; the first fault is kept until more is known."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self.fixture: str | None = None
        self.fault: BundleError | None = None

    def read(self, stream: JsonStream) -> None:
        found: list[tuple[str]] = []
        for name in stream.names():
            digest = stream.value()
            self.fault = self.fault or _entry_fault(name, digest)
            if name == FIXTURE:
                self.fixture = digest
            elif self.fault is None:
                found.append((digest,))
            if len(found) == BATCH:
                self._keep(found)
        self._keep(found)

    def _keep(self, found: list[tuple[str]]) -> None:
        # The same name twice is the same digest twice.
        self.scratch.run_all("INSERT OR IGNORE INTO file VALUES (?)", found)
        found.clear()


def _entry_fault(name: str, digest: object) -> BundleError | None:
    where = f"{MANIFEST}: files: {name!r}"
    # Only names of this form are ever opened: nothing outside the bundle can be reached.
    match = MEDIA_NAME.fullmatch(name)
    if name != FIXTURE and match is None:
        return BundleError(where, f"is neither {FIXTURE} nor media/<SHA-256>.png", EXPORT_AGAIN)
    if not isinstance(digest, str) or DIGEST.fullmatch(digest) is None:
        return BundleError(where, f"{digest!r} is no SHA-256 digest", EXPORT_AGAIN)
    if match is not None and match[1] != digest:
        return BundleError(where, f"is named after another digest than the listed {digest}", EXPORT_AGAIN)
    return None


def _odd_format(found: object) -> BundleError:
    return BundleError(f"{MANIFEST}: format", f"{found!r} is not {FORMAT!r}", "give a folder that Harmony exported")


def _digest_of_all(scratch: Scratch, fixture: str) -> str:
    """Return the SHA-256 of the list of files as JSON, sorted by name."""
    digest = hashlib.sha256(b"{")
    for batch in scratch.batches("SELECT digest FROM file ORDER BY digest"):
        digest.update("".join(f'"media/{one}.png": "{one}", ' for (one,) in batch).encode())
    digest.update(f'"{FIXTURE}": "{fixture}"}}'.encode())
    return digest.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedReader]:
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise BundleError(str(path), "the file is missing", COPY_AGAIN) from error
    except OSError as error:
        raise BundleError(str(path), f"cannot be read ({error.strerror})", COPY_AGAIN) from error


def _compare(path: Path, actual: str, digest: str) -> None:
    if actual != digest:
        raise BundleError(str(path), f"its SHA-256 is {actual}, not {digest}", COPY_AGAIN)


def _png_size(path: Path, file: IO[bytes]) -> tuple[int, int]:
    try:
        with Image.open(file, formats=["PNG"]) as picture:
            size = picture.size
            if max(size) <= LONGEST_SIDE:
                picture.verify()
    except (UnidentifiedImageError, SyntaxError, OSError, ValueError, Image.DecompressionBombError) as error:
        # Of what is no PNG at all, Pillow names the object that it read.
        reason = "it does not begin as one" if isinstance(error, UnidentifiedImageError) else error
        raise BundleError(str(path), f"is not a sound PNG ({reason})", EXPORT_AGAIN) from error
    if max(size) > LONGEST_SIDE:
        raise BundleError(
            str(path), f"has {size[0]} x {size[1]} pixels", f"export pictures of at most {LONGEST_SIDE} pixels a side"
        )
    return size
