"""Where a backup is written: a folder that keeps several of them with their media once, or one .tar file.

Neither shows anything that is half-written: what is there under its name is whole.
"""

import fcntl
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

from harmony_app.backups.manifest import MANIFEST, BackupError, media_file

LOCK = ".harmony-backups"
PARTIAL = ".partial"
ARCHIVES = frozenset({".gz", ".tgz", ".bz2", ".xz", ".zst", ".zip"})


class Sink(Protocol):
    """Takes the contents of the storage; the files of the dump are written into `folder` meanwhile."""

    folder: Path

    def media_bytes(self, digest: str) -> int | None:
        """Return the size of this content if the backup has it."""

    def media_add(self, digest: str, size: int, content: IO[bytes]) -> None:
        """Keep this content."""

    def finish(self) -> Path:
        """Put everything in its place, on the disk; returns where the backup is."""


class FolderSink:
    """A folder: `media/` with each content once, and a folder for each dump."""

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self.name = name
        self.folder = root / f"{name}{PARTIAL}"
        # Closed to others also where the folder above is not ours to close.
        self.folder.mkdir(mode=0o700)
        (root / "media").mkdir(mode=0o700, exist_ok=True)

    def media_bytes(self, digest: str) -> int | None:
        try:
            return (self.root / media_file(digest)).stat().st_size
        except FileNotFoundError:
            return None

    def media_add(self, digest: str, size: int, content: IO[bytes]) -> None:
        path = self.root / media_file(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.folder)
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(content, file)
        Path(name).replace(path)

    def finish(self) -> Path:
        # Contents before the name that vouches for them, also if the machine stops.
        os.sync()
        place = self.root / self.name
        self.folder.rename(place)
        os.sync()
        return place


class TarSink:
    """One file. Its last member is the manifest, without which nothing is restored."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        self.archive = self.folder / "archive.tar"
        self.raw = self.archive.open("xb")
        self.archive.chmod(0o600)
        self.tar = tarfile.open(fileobj=self.raw, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self.sizes: dict[str, int] = {}

    def media_bytes(self, digest: str) -> int | None:
        return self.sizes.get(digest)

    def media_add(self, digest: str, size: int, content: IO[bytes]) -> None:
        self._add(media_file(digest), size, content)
        self.sizes[digest] = size

    def _add(self, name: str, size: int, content: IO[bytes]) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        self.tar.addfile(member, content)

    def finish(self) -> Path:
        files = sorted(path for path in self.folder.rglob("*") if path.is_file() and path != self.archive)
        for path in sorted(files, key=lambda path: path.name == MANIFEST):
            with path.open("rb") as file:
                self._add(path.relative_to(self.folder).as_posix(), path.stat().st_size, file)
        self.tar.close()
        self.raw.close()
        os.sync()
        try:
            # Unlike a renaming, a link never takes the place of a file that has come there meanwhile.
            os.link(self.archive, self.path)
        except FileExistsError as error:
            raise BackupError(f"{self.path}: exists; give another name") from error
        os.sync()
        return self.path


@contextmanager
def sink_at(destination: Path, name: str) -> Iterator[Sink]:
    """Open a backup for writing: a `.tar` file that does not exist, or a folder, made if absent, for a dump `name`.

    Raises BackupError for a file that exists, a folder with other things, and while another backup is written there.
    """
    sink: Sink
    if destination.suffix in ARCHIVES and not destination.is_dir():
        raise BackupError(f"{destination}: only .tar files are written; leave out what comes after, and pack it later")
    if destination.suffix == ".tar":
        if destination.exists():
            raise BackupError(f"{destination}: exists; give another name")
        destination.parent.mkdir(parents=True, exist_ok=True)
        sink = TarSink(destination)
        try:
            yield sink
        finally:
            with suppress(OSError):
                sink.raw.close()
            shutil.rmtree(sink.folder, ignore_errors=True)
        return
    with _locked(destination):
        for left in destination.glob(f"*{PARTIAL}"):
            # Of a backup that was killed: nobody writes here now.
            shutil.rmtree(left)
        sink = FolderSink(destination, name)
        try:
            yield sink
        finally:
            shutil.rmtree(sink.folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder of backups for oneself."""
    if folder.exists() and not folder.is_dir():
        raise BackupError(f"{folder}: is a file; give a folder, or a name that ends with .tar")
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / LOCK
    if not lock.exists() and any(folder.iterdir()):
        raise BackupError(f"{folder}: holds other things than backups; give a new or empty folder")
    # Backups hold who people are: for the one who makes them alone.
    with suppress(PermissionError):
        folder.chmod(0o700)
    with io.FileIO(lock, "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupError(f"{folder}: another backup is being written there; wait until it is done") from error
        yield
