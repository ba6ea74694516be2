"""The last backup."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.conf import settings

from harmony_app.backups.keeping import backups_in, made_at
from harmony_app.backups.manifest import BackupError, key_check
from harmony_app.backups.sources import FolderSource
from harmony_app.backups.verifying import read_checked_manifest
from harmony_app.doctor.result import Result, fail, ok, warn

LATE, TOO_LATE = timedelta(hours=26), timedelta(days=7)
SKEW = timedelta(minutes=5)


def last_backup() -> Iterator[Result]:
    folder = settings.BACKUP_DIR
    if folder is None:
        yield warn(
            "HARMONY_BACKUP_DIR is not set, so nobody can say when the last backup was made",
            "set it, and run `manage.py backup --keep 14` every day",
        )
        return
    found = backups_in(folder)
    if not found:
        yield fail(f"{folder} holds no backup", "run `manage.py backup`, and let cron do it every day")
        return
    newest = found[-1]
    try:
        with FolderSource(newest) as source:
            manifest = read_checked_manifest(source)
    except BackupError as error:
        yield fail(f"the last backup is damaged: {error}", "run `manage.py backup` again")
        return
    if manifest.key_check != key_check():
        yield fail(
            "SECRET_KEY is another one than when the last backup was made: people from Prolific are not known any more",
            "set the earlier one; if it was changed on purpose, run `manage.py backup` again",
        )
    age = datetime.now(UTC) - made_at(newest)
    text = f"the last backup is {age.total_seconds() / 3600:.0f} hours old ({newest.name}), of {len(found)}"
    if age < -SKEW:
        yield fail(
            f"the last backup, {newest.name}, is dated in the future",
            "correct the clock of this machine, and remove backups with a wrong date: the newest one is restored",
        )
    elif age > TOO_LATE:
        yield fail(text, "look why `manage.py backup` does not run every day")
    elif age > LATE:
        yield warn(text, "look why `manage.py backup` did not run")
    else:
        yield ok(text)
