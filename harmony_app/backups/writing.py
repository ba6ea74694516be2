"""Making a backup while the site runs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.core.files.storage import FileSystemStorage, default_storage
from django.db import DatabaseError
from django.db import connection as site_connection

from harmony_app.backups.digests import copy_digested
from harmony_app.backups.dumping import Tell, dump_media, dump_tables, pictures_of
from harmony_app.backups.keeping import NAME, backups_in, backups_prune
from harmony_app.backups.manifest import (
    MANIFEST,
    MANIFEST_DIGEST,
    BackupError,
    Manifest,
    harmony_version,
    key_check,
)
from harmony_app.backups.sinks import FolderSink, Sink, sink_at
from harmony_app.backups.tables import applied_migrations, database_loader, models_at, unknown_migrations
from studies.exports.snapshot import snapshot


@dataclass(frozen=True)
class Written:
    """Where a backup is, what it holds, and which earlier ones were removed."""

    place: Path
    manifest: Manifest
    removed: list[str]


def backup_write(*, destination: Path, keep: int | None = None, tell: Tell = lambda line: None) -> Written:
    """Write a backup into a folder or a new `.tar` file; nothing of it is there before all of it is.

    The rows are those of one moment. Objects are read afterwards: what rows speak of was stored before them. With
    `keep` only so many backups are left in the folder, this one among them. Raises BackupError.
    """
    created = datetime.now(UTC)
    _refuse_storage(destination)
    try:
        with sink_at(destination, created.strftime(NAME)) as sink:
            manifest = _write(sink, created, tell)
            place = sink.finish()
            removed = _pruned(place, keep) if keep is not None and isinstance(sink, FolderSink) else []
    except OSError as error:
        raise BackupError(f"{destination}: the backup was not made: {error}") from error
    except DatabaseError as error:
        raise BackupError(f"the database cannot be read: {error}") from error
    return Written(place, manifest, removed)


def _refuse_storage(destination: Path) -> None:
    """Raise BackupError for a place in the storage: each backup would hold those before it."""
    if not isinstance(default_storage, FileSystemStorage):
        return
    folder = Path(default_storage.location).resolve()
    if destination.resolve().is_relative_to(folder):
        raise BackupError(f"{destination}: lies in the storage of pictures, {folder}; give a place elsewhere")


def _pruned(place: Path, keep: int) -> list[str]:
    newest = backups_in(place.parent)[-1]
    # Otherwise the one that was just made could be the oldest.
    if newest.name > place.name:
        raise BackupError(
            f"{place} was written, but no earlier backup removed, as {newest.name} is dated later: correct the clock "
            "of this machine, or remove what has a wrong date"
        )
    try:
        return backups_prune(place.parent, keep)
    except BackupError as error:
        raise BackupError(f"{place} was written, but no earlier backup removed, as one is damaged: {error}") from error


def _write(sink: Sink, created: datetime, tell: Tell) -> Manifest:
    site_connection.ensure_connection()
    with snapshot():
        loader = database_loader()
        migrations = applied_migrations(loader)
        if unknown := unknown_migrations(loader, migrations):
            raise BackupError(
                f"the database has the migration {unknown[0]}, which this Harmony does not know; back up with the "
                "version of Harmony that the database belongs to"
            )
        models = models_at(loader, migrations)
        if "studies.picture" not in models:
            raise BackupError("the database has no tables; run `manage.py migrate` first")
        tables = dump_tables(models, sink.folder)
        pictures = pictures_of(models)
    media, absent = dump_media(sink, sink.folder, pictures, tell)
    for name in absent:
        tell(f"{name}: is missing in the storage")
    manifest = Manifest(
        harmony=harmony_version(),
        created=created,
        engine=site_connection.vendor,
        migrations=migrations,
        tables=tables,
        media=media,
        absent=absent,
        key_check=key_check(),
    )
    (sink.folder / MANIFEST).write_bytes(manifest.encoded())
    with (sink.folder / MANIFEST).open("rb") as file:
        digest, _ = copy_digested(file)
    # In the form that `sha256sum --check` reads.
    (sink.folder / MANIFEST_DIGEST).write_text(f"{digest}  {MANIFEST}\n", encoding="ascii")
    return manifest
