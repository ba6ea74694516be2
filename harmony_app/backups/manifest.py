"""What a backup says of itself: the file `manifest.json`, and the names that its files may have."""

import re
import tomllib
from typing import Annotated, Literal

from django.conf import settings
from django.utils.crypto import salted_hmac
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

FORMAT = "harmony-backup/1"
MANIFEST = "manifest.json"
MANIFEST_DIGEST = "manifest.sha256"
MEDIA_LIST = "media.jsonl.gz"
LARGEST_MANIFEST = 4 * 2**20
TABLE_FILE = re.compile(r"tables/[a-z0-9_]+\.[a-z0-9_]+\.jsonl\.gz\Z")

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class BackupError(Exception):
    """A backup cannot be made, read or restored; the message says why and what to do."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TableFile(_Part):
    """The rows of one table, as lines of JSON under a header with its columns and their types."""

    model: str
    file: Annotated[str, StringConstraints(pattern=r"^tables/[a-z0-9_]+\.[a-z0-9_]+\.jsonl\.gz$")]
    rows: Count
    bytes: Count
    sha256: Sha256


class MediaList(_Part):
    """The list of the storage's objects, each with the digest by which its content is found."""

    file: Literal["media.jsonl.gz"] = "media.jsonl.gz"
    objects: Count
    content_bytes: Count
    bytes: Count
    sha256: Sha256


class MediaObject(_Part):
    """One object of the storage: its name there, and what it holds."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    sha256: Sha256
    bytes: Count

    @property
    def file(self) -> str:
        """Where a backup keeps the content."""
        return media_file(self.sha256)


class Manifest(_Part):
    """Everything about a backup but its rows and objects.

    `migrations` are those that the database had. `absent` names pictures that rows speak of and that the storage did
    not have. `key_check` tells whether a site has the same secret key, and tells nobody the key.
    """

    format: Literal["harmony-backup/1"] = "harmony-backup/1"
    harmony: str
    created: AwareDatetime
    engine: str
    migrations: list[tuple[str, str]]
    tables: list[TableFile]
    media: MediaList
    absent: list[str] = []
    key_check: str

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    def encoded(self) -> bytes:
        return (self.model_dump_json(indent=1) + "\n").encode()


def media_file(digest: str) -> str:
    return f"media/{digest[:2]}/{digest}"


def read_manifest(content: bytes, where: str) -> Manifest:
    """Return the manifest; raises BackupError, in plain words where the format is another one."""
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        if field == "format":
            remedy = f"this Harmony reads {FORMAT}; restore with the version of Harmony that made the backup"
            raise BackupError(f"{where}: format: {first['input']!r} is unknown ({remedy})") from error
        raise BackupError(f"{where}: {field}: {first['msg']}; take another backup") from error


def harmony_version() -> str:
    """Return the version of Harmony that runs here."""
    file = settings.BASE_DIR / "pyproject.toml"
    if not file.is_file():
        return "unknown"
    return str(tomllib.loads(file.read_text(encoding="utf-8"))["project"]["version"])


def key_check() -> str:
    """Return what is the same for the same secret key, and does not tell it."""
    return salted_hmac("harmony_app.backups", "the secret key of the site", algorithm="sha256").hexdigest()[:16]
