"""Back up the whole site: `manage.py backup DEST`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from harmony_app.backups.manifest import BackupError
from harmony_app.backups.writing import backup_write


class Command(BaseCommand):
    help = (
        "Writes every row of the database, as they are at one moment, and every object of the storage into a folder or "
        "a .tar file. The site may go on. Into the same folder again, only contents that are new are copied."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "destination",
            nargs="?",
            type=Path,
            metavar="DEST",
            help="a folder of backups, made if absent, or a new .tar file (default: HARMONY_BACKUP_DIR)",
        )
        parser.add_argument("--keep", type=int, metavar="N", help="leave the N newest backups in the folder")

    def handle(self, *args: Any, **options: Any) -> None:
        destination: Path | None = options["destination"] or settings.BACKUP_DIR
        keep: int | None = options["keep"]
        if destination is None:
            raise CommandError("no destination; name a folder or a .tar file, or set HARMONY_BACKUP_DIR")
        if keep is not None and keep < 1:
            raise CommandError(f"--keep {keep} is too small; keep at least 1")
        if keep is not None and destination.suffix == ".tar":
            raise CommandError(f"--keep is for folders, and {destination} is a file; leave it out")
        try:
            written = backup_write(destination=destination, keep=keep, tell=self.stderr.write)
        except BackupError as error:
            raise CommandError(str(error)) from error
        media = written.manifest.media
        self.stdout.write(
            f"{written.place}: {written.manifest.rows} rows of {len(written.manifest.tables)} tables, "
            f"{media.objects} objects ({media.content_bytes} bytes)"
        )
        for name in written.removed:
            self.stdout.write(f"{name}: removed")
