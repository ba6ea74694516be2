"""Bringing a backup into an empty site."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.core.files import File
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DatabaseError, IntegrityError, transaction
from django.db import connection as site_connection
from django.db.migrations.executor import MigrationExecutor

from harmony_app.backups.digests import copy_digested
from harmony_app.backups.keeping import backups_in
from harmony_app.backups.loading import load_table
from harmony_app.backups.manifest import BackupError, Manifest, MediaObject, key_check
from harmony_app.backups.sources import FolderSource, Source, TarSource
from harmony_app.backups.tables import (
    MADE_BY_MIGRATE,
    Model,
    database_loader,
    models_at,
    tables_present,
    unknown_migrations,
)
from harmony_app.backups.verifying import media_objects, read_checked_manifest, verify
from studies.media import in_parallel, sizes_below

SPOOL_BYTES = 8 * 2**20


@dataclass(frozen=True)
class Restored:
    """What a backup holds, and what came of it.

    `is_written`: it was not only looked at. `unfit`: why it could not be restored into this site.
    """

    source: str
    manifest: Manifest
    is_written: bool
    objects_written: int
    is_same_key: bool
    unfit: str = ""


def source_at(path: Path) -> Source:
    """Open a backup: a `.tar` file, a folder of backups (the newest), or one of them. Raises BackupError."""
    if path.is_file():
        return TarSource(path)
    if not path.is_dir():
        raise BackupError(f"{path}: is not there; give a folder of backups, one of them, or a .tar file")
    if found := backups_in(path):
        return FolderSource(found[-1])
    if found := [one for one in backups_in(path.resolve().parent) if one.name == path.resolve().name]:
        return FolderSource(found[0])
    raise BackupError(f"{path}: holds no whole backup; give a folder that `manage.py backup` wrote")


def backup_restore(*, path: Path, write: bool) -> Restored:
    """Check a backup byte by byte, and look whether it fits this site; with `write` bring it in.

    The rows come in one transaction, after the objects, of which those that are there already have to be the same: a
    restore that is interrupted leaves an empty database and can be done again. Raises BackupError; nothing has been
    written then, or only objects.
    """
    try:
        with source_at(path) as source:
            manifest = read_checked_manifest(source)
            verify(source, manifest)
            models = _models(manifest)
            unfit = ""
            missing = 0
            try:
                _check_database(manifest, models)
                missing = _check_storage(source, manifest)
            except BackupError as error:
                # A backup can be checked on the site that it is from.
                if write:
                    raise
                unfit = str(error)
            if write:
                _fill_storage(source, manifest)
                _migrate_to(manifest)
                _load(source, manifest, models)
                # What came after the backup's version of Harmony, and what Django keeps about its own tables.
                call_command("migrate", verbosity=0, interactive=False)
            return Restored(source.where, manifest, write, missing, key_check() == manifest.key_check, unfit)
    except OSError as error:
        raise BackupError(f"the storage or the backup cannot be used: {error}") from error
    except IntegrityError as error:
        raise BackupError(f"{path}: the rows do not fit together, so none was restored: {error}") from error
    except DatabaseError as error:
        raise BackupError(f"the database refused, so no row was restored: {error}") from error


def _models(manifest: Manifest) -> Mapping[str, Model]:
    """Return the models as they were when the backup was made."""
    loader = database_loader()
    if unknown := unknown_migrations(loader, manifest.migrations):
        raise BackupError(
            f"the backup was made by Harmony {manifest.harmony}, whose migration {unknown[0]} is not known here; "
            "install that version of Harmony or a later one"
        )
    models = models_at(loader, manifest.migrations)
    if sorted(models) != sorted(table.model for table in manifest.tables):
        raise BackupError("the backup has other tables than its migrations say; take another backup")
    return models


def _check_database(manifest: Manifest, models: Mapping[str, Model]) -> None:
    """Refuse a database that has rows, or is ahead of the backup."""
    ahead = set(database_loader().applied_migrations) - set(manifest.migrations)
    present = set(tables_present())
    filled = [
        label
        for label, model in models.items()
        if label not in MADE_BY_MIGRATE and model._meta.db_table in present and _has_rows(model)
    ]
    if filled:
        raise BackupError(
            f"the database is not empty (there are rows of {', '.join(filled)}); restore into a new database"
        )
    if ahead:
        app, name = sorted(ahead)[0]
        raise BackupError(
            f"the database has the migration {app}.{name}, which the backup does not have yet; restore into a new "
            "database without tables, which is then brought up to date"
        )


def _has_rows(model: Model) -> bool:
    # Without the columns, which may not be there yet.
    name = site_connection.ops.quote_name(model._meta.db_table)
    with site_connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {name} LIMIT 1")  # noqa: S608
        return cursor.fetchone() is not None


def _check_storage(source: Source, manifest: Manifest) -> int:
    """Return how many objects the storage does not have; raises BackupError where it has others of their names."""
    present = sizes_below("")
    missing = 0
    for one in media_objects(source, manifest):
        if one.name not in present:
            missing += 1
            continue
        with default_storage.open(one.name) as stored:
            digest, _ = copy_digested(stored)
        if digest != one.sha256:
            raise BackupError(f"{one.name}: the storage has another object of this name; restore into an empty storage")
    return missing


def _fill_storage(source: Source, manifest: Manifest) -> None:
    present = sizes_below("")
    missing = (one for one in media_objects(source, manifest) if one.name not in present)
    # Contents are read here, as a .tar file has one place where it is read.
    for _ in in_parallel(_store, ((one.name, _content(source, one)) for one in missing)):
        pass


def _content(source: Source, one: MediaObject) -> IO[bytes]:
    content = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115  # closed by `_store`
    with source.open(one.file) as file:
        copy_digested(file, content)
    content.seek(0)
    return content


def _store(item: tuple[str, IO[bytes]]) -> None:
    """Put an object into the storage; a folder never shows it half-written."""
    name, content = item
    with content:
        try:
            place = Path(default_storage.path(name))
        except NotImplementedError:
            default_storage.save(name, File(content, name=name))
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".restore-", delete=False) as file:
            beside = Path(file.name)
            try:
                copy_digested(content, file)
                file.flush()
                os.fsync(file.fileno())
                beside.chmod(0o644)
                beside.replace(place)
            finally:
                beside.unlink(missing_ok=True)


def _migrate_to(manifest: Manifest) -> None:
    """Make the tables as they were when the backup was made, without rows."""
    executor = MigrationExecutor(site_connection)
    graph = executor.loader.graph
    wanted = {node for node in manifest.migrations if node in graph.nodes}
    # The last ones: to ask for an earlier one would be to go back to it.
    last = [node for node in sorted(wanted) if not any(child.key in wanted for child in graph.node_map[node].children)]
    if plan := executor.migration_plan(last):
        executor.migrate(last, plan=plan)


def _load(source: Source, manifest: Manifest, models: Mapping[str, Model]) -> None:
    with transaction.atomic():
        _lock(models)
        # Again, as somebody may have come in meanwhile.
        _check_database(manifest, models)
        for label in sorted(MADE_BY_MIGRATE, reverse=True):
            models[label]._base_manager.all().delete()
        for table in manifest.tables:
            load_table(source, table, models[table.model])
        site_connection.check_constraints()
        resets = site_connection.ops.sequence_reset_sql(no_style(), list(models.values()))
        with site_connection.cursor() as cursor:
            for statement in resets:
                cursor.execute(statement)


def _lock(models: Mapping[str, Model]) -> None:
    """Let nobody write before the rows are in; SQLite does so in every transaction of the site."""
    if site_connection.vendor != "postgresql":
        return
    names = ", ".join(site_connection.ops.quote_name(model._meta.db_table) for model in models.values())
    with site_connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
