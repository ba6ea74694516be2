"""The files of a bundle: the manifest's list, and whether each file is what the list says."""

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from studies.bundles.errors import EXPORT_AGAIN, BundleError
from studies.bundles.fields import DIGEST
from studies.bundles.json_stream import JsonStream
from studies.bundles.scratch import BATCH, Scratch

FORMAT = "harmony-bundle/1"
FIXTURE = "study.json"
MANIFEST = "manifest.json"
MEDIA_NAME = re.compile(r"media/([0-9a-f]{64})\.png")
LARGEST_FILE = 256 * 1024 * 1024
# Read piece by piece; this is some five million trials.
LARGEST_FIXTURE = 4 * 1024**3

NO_LINKS = "copy the files themselves into the bundle"
COPY_AGAIN = "copy the whole bundle again"

# Shows progress: is given the items and what is done to them, and yields the items.
Watch = Callable[[Sequence[Any], str], Iterable[Any]]


def unwatched(items: Sequence[Any], what: str) -> Iterable[Any]:
    """Show no progress."""
    return items


class PictureFiles(Protocol):
    """Where the pictures of a bundle are read from, by digest. Every method may be called in any thread."""

    def name(self, digest: str) -> str:
        """What errors call the file."""

    def size(self, digest: str) -> int:
        """Its size in bytes, 0 where there is none. Raises BundleError for what is no plain file."""

    def open(self, digest: str) -> IO[bytes]:
        """Open it; what this and reading raise is made BundleError by `readable`."""

    def readable(self, digest: str) -> AbstractContextManager[None]:
        """Raise BundleError in the block where the file is missing or cannot be read."""


class PictureFolder:
    """Pictures in the folder of a bundle."""

    def __init__(self, folder: Path) -> None:
        self._folder = f"{folder}/media"

    def name(self, digest: str) -> str:
        return f"{self._folder}/{digest}.png"

    def size(self, digest: str) -> int:
        return refuse_odd_file(self.name(digest))

    def open(self, digest: str) -> IO[bytes]:
        # To make a Path takes longer than to read a small file.
        return open(self.name(digest), "rb")  # noqa: PTH123

    def readable(self, digest: str) -> AbstractContextManager[None]:
        return readable(self.name(digest))


@dataclass(frozen=True)
class Bundle:
    """A bundle whose manifest is sound and whose fixture is what the manifest says.

    `folder` has manifest and fixture, `pictures` the rest. `study` is the slug, and `digest` stands for all files
    together. The table `file` of `scratch` has the digests of the pictures; the fixture's objects get tables of their
    own (`read_fixture`).
    """

    folder: Path
    pictures: PictureFiles
    study: str
    digest: str
    scratch: Scratch


def read_manifest(folder: Path, scratch: Scratch, pictures: PictureFiles | None = None) -> Bundle:
    """Read the manifest, and compare the fixture with its digest. Raises BundleError.

    The pictures are in the folder as well, unless others are given.
    """
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
    with readable(path), path.open("rb") as file:
        check_digest(str(path), hashlib.file_digest(file, "sha256").hexdigest(), listed.fixture)
    if (folder / "media").is_symlink():
        raise BundleError(f"{MANIFEST}: files", f"the folder {folder / 'media'} is a link", NO_LINKS)
    pictures = PictureFolder(folder) if pictures is None else pictures
    return Bundle(folder, pictures, study, _digest_of_all(scratch, listed.fixture), scratch)


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


def refuse_odd_file(path: str | Path, largest: int = LARGEST_FILE) -> int:
    """Return the size of a file in bytes, 0 where there is none.

    Refuses links, which lead outside, pipes, which never end, and files that are larger than any of a bundle.
    """
    try:
        found = os.lstat(path)
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
def readable(path: str | Path) -> Iterator[None]:
    """Raise BundleError where a file of a bundle's folder is missing or cannot be read."""
    try:
        yield
    except FileNotFoundError as error:
        raise BundleError(str(path), "the file is missing", COPY_AGAIN) from error
    except OSError as error:
        raise BundleError(str(path), f"cannot be read ({error.strerror})", COPY_AGAIN) from error


def check_digest(where: str, actual: str, digest: str) -> None:
    if actual != digest:
        raise BundleError(where, f"its SHA-256 is {actual}, not {digest}", COPY_AGAIN)
