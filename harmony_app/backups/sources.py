"""Where a backup is read from: a folder, or a .tar file, which is never unpacked."""

import io
import re
import stat
import tarfile
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from harmony_app.backups.manifest import MANIFEST, MANIFEST_DIGEST, MEDIA_LIST, TABLE_FILE, BackupError

MEDIA_FILE = re.compile(r"media/([0-9a-f]{2})/\1[0-9a-f]{62}\Z")
NAMES = frozenset({MANIFEST, MANIFEST_DIGEST, MEDIA_LIST})


def is_known_name(name: str) -> bool:
    """Whether a backup has files of such a name; nothing else is ever opened."""
    return name in NAMES or bool(TABLE_FILE.match(name)) or bool(MEDIA_FILE.match(name))


class Source(Protocol):
    """The files of one backup."""

    where: str

    def size(self, name: str) -> int:
        """Return the size of a file in bytes; raises BackupError where it is missing or no plain file."""

    def open(self, name: str) -> IO[bytes]:
        """Open a file; raises BackupError where it is missing or no plain file."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class FolderSource:
    """A dump in a folder of backups; the contents of the storage are in the folder above it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.where = str(folder)

    def _path(self, name: str) -> Path:
        path = (self.folder.parent if name.startswith("media/") else self.folder) / name
        try:
            is_plain = stat.S_ISREG(path.lstat().st_mode)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BackupError(f"{path}: is missing; copy the whole folder of backups, or take another one") from error
        if not is_plain:
            raise BackupError(f"{path}: is no plain file; take another backup")
        return path

    def size(self, name: str) -> int:
        return self._path(name).stat().st_size

    def open(self, name: str) -> IO[bytes]:
        return self._path(name).open("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class TarSource:
    """A .tar file, read in place."""

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self.raw = path.open("rb")
        try:
            self.tar = tarfile.open(fileobj=self.raw, mode="r:")  # noqa: SIM115
            self.members = self._members()
        except tarfile.TarError as error:
            self.raw.close()
            raise BackupError(f"{path}: is no whole .tar file ({error}); copy it again, or take another one") from error
        except BackupError:
            self.raw.close()
            raise

    def _members(self) -> dict[str, tarfile.TarInfo]:
        found: dict[str, tarfile.TarInfo] = {}
        for member in self.tar:
            if not is_known_name(member.name):
                raise BackupError(f"{self.where}: holds {member.name!r}, which no backup does; take another one")
            if not member.isreg():
                raise BackupError(f"{self.where}: {member.name} is no plain file; take another backup")
            if member.name in found:
                raise BackupError(f"{self.where}: holds {member.name} twice; take another backup")
            found[member.name] = member
        return found

    def _member(self, name: str) -> tarfile.TarInfo:
        if name not in self.members:
            raise BackupError(f"{self.where}: {name} is missing, so the file is cut off; copy it again")
        return self.members[name]

    def size(self, name: str) -> int:
        return self._member(name).size

    def open(self, name: str) -> IO[bytes]:
        file = self.tar.extractfile(self._member(name))
        return io.BytesIO() if file is None else file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tar.close()
        self.raw.close()
