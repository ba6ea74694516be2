"""Check a backup, or bring it into an empty site: `manage.py restore SOURCE [--into-empty]`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from harmony_app.backups.manifest import BackupError
from harmony_app.backups.restoring import Restored, backup_restore


class Command(BaseCommand):
    help = (
        "Compares every byte of a backup with its digest, and says whether it fits this site. With --into-empty its "
        "rows and objects are brought in; the database has to be empty, and may be SQLite or PostgreSQL, whichever the "
        "backup is from."
    )
    # The database may have no tables yet.
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "source", type=Path, metavar="SOURCE", help="a folder of backups (the newest), one of them, or a .tar file"
        )
        parser.add_argument("--into-empty", action="store_true", help="restore, instead of only checking")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            restored = backup_restore(path=options["source"], write=options["into_empty"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        self._tell(restored)

    def _tell(self, restored: Restored) -> None:
        manifest = restored.manifest
        self.stdout.write(
            f"{restored.source}: made {manifest.created:%Y-%m-%d %H:%M:%S} UTC by Harmony {manifest.harmony} "
            f"on {manifest.engine}; every digest fits"
        )
        for table in manifest.tables:
            if table.rows:
                self.stdout.write(f"  {table.model}: {table.rows}")
        media = manifest.media
        self.stdout.write(f"  objects of the storage: {media.objects} ({media.content_bytes} bytes)")
        for name in manifest.absent:
            self.stderr.write(f"{name}: was missing already when the backup was made")
        if not restored.is_same_key:
            self.stderr.write(
                "the backup is of a site with another SECRET_KEY: people from Prolific would not be known again; set "
                "SECRET_KEY to the one of that site"
            )
        if restored.is_written:
            self.stdout.write(f"restored; {restored.objects_written} objects were new to the storage")
        elif restored.unfit:
            self.stdout.write(f"nothing was written; it cannot be restored into this site: {restored.unfit}")
        else:
            self.stdout.write("nothing was written; add --into-empty to restore")
