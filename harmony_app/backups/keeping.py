"""Several backups in one folder: which there are, and removing the oldest with what only they hold."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

from harmony_app.backups.manifest import MANIFEST
from harmony_app.backups.sinks import PARTIAL
from harmony_app.backups.sources import FolderSource
from harmony_app.backups.verifying import media_objects, read_checked_manifest

NAME = "%Y-%m-%dT%H%M%S.%fZ"
"""How backups in a folder are named: by when they were made."""
A_BACKUP = re.compile(r"\d{4}-\d\d-\d\dT\d{6}\.\d{6}Z\Z")


def backups_in(folder: Path) -> list[Path]:
    """Return the whole backups of a folder, the oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if A_BACKUP.match(path.name) and (path / MANIFEST).is_file())


def made_at(backup: Path) -> datetime:
    """Return when a backup of a folder was made, by its name."""
    return datetime.strptime(backup.name, NAME).replace(tzinfo=UTC)


def backups_prune(folder: Path, keep: int) -> list[str]:
    """Remove all but the `keep` newest backups, and the contents that none of these needs; returns their names.

    Call it while nobody else writes there. Raises BackupError where one that stays cannot be read: then nobody can say
    which contents it needs, and nothing is removed.
    """
    found = backups_in(folder)
    removed, kept = found[: max(0, len(found) - keep)], found[max(0, len(found) - keep) :]
    if not removed:
        return []
    needed: set[str] = set()
    for backup in kept:
        with FolderSource(backup) as source:
            manifest = read_checked_manifest(source)
            needed.update(one.sha256 for one in media_objects(source, manifest))
    for backup in removed:
        # It is no backup any more, also if this is interrupted: then the next backup clears it away.
        shutil.rmtree(backup.rename(backup.with_name(f"{backup.name}{PARTIAL}")))
    for content in (folder / "media").glob("??/*"):
        if content.name not in needed:
            content.unlink()
    return [backup.name for backup in removed]
