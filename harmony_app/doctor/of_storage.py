"""Where pictures, reports and builds lie: whether it can be read and written, and has room."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection as site_connection

from attribution.errors import InputError
from attribution.shared_storage import SharedStorage
from harmony_app.doctor.of_database import skew
from harmony_app.doctor.result import Result, fail, ok, warn
from studies.media import sizes_below
from studies.models import Picture

GIB = 2**30
TEMPORARY = "the folder of temporary files, TMPDIR,"
LEAST_FREE, ENOUGH_FREE = 1 * GIB, 5 * GIB
MEND = "load their bundles again (set the protocol again for its decoys), or restore the backup"
RIGHTS = "give the server's user the right to read, write and delete there; for a bucket see the access policy"


def media_round_trip() -> Iterator[Result]:
    name, content = f"doctor/{uuid4().hex}", uuid4().bytes
    try:
        default_storage.save(name, ContentFile(content))
        with default_storage.open(name) as file:
            same = file.read() == content
        changed = default_storage.get_modified_time(name)
        default_storage.delete(name)
        left = default_storage.exists(name)
    except OSError as error:
        yield fail(f"the storage of pictures refuses: {error}", RIGHTS)
        return
    if not same or left:
        yield fail("the storage of pictures gives back other bytes, or does not delete", RIGHTS)
        return
    yield ok("the storage of pictures can be written, read and deleted from")
    yield skew("the storage", changed)


def builds_round_trip() -> Iterator[Result]:
    name, content = f"doctor/{uuid4().hex}", uuid4().bytes
    try:
        storage = SharedStorage.open(settings.BUILDS_URL)
        storage.write(name, content)
        same = storage.read(name) == content
        storage.remove(name)
        left = storage.exists(name)
    except (OSError, InputError) as error:
        yield fail(f"the storage of builds refuses: {error}", f"correct HARMONY_BUILDS_URL, or {RIGHTS}")
        return
    if not same or left:
        yield fail("the storage of builds gives back other bytes, or does not delete", RIGHTS)
    else:
        yield ok("the storage of builds can be written, read and deleted from")


def free_space() -> Iterator[Result]:
    disks: set[int] = set()
    for what, folder in _folders():
        existing = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
        if (disk := disk_of(existing)) in disks:
            continue
        disks.add(disk)
        free = shutil.disk_usage(existing).free
        text = f"{what} ({folder}) has {free / GIB:.1f} GiB left"
        remedy = "make room, or move it to a larger disk: nothing can be stored on a full one"
        # A folder of temporary files may lie in the memory, where there is less, and holds nothing that stays.
        if free < LEAST_FREE and what != TEMPORARY:
            yield fail(text, remedy)
        elif free < (LEAST_FREE if what == TEMPORARY else ENOUGH_FREE):
            yield warn(text, remedy)
        else:
            yield ok(text)


def disk_of(folder: Path) -> int:
    return folder.stat().st_dev


def _folders() -> Iterator[tuple[str, Path]]:
    """Give what is written to, and where; several may be on one disk, which is then told once."""
    yield "the data folder", Path(settings.DATA_DIR)
    if site_connection.vendor == "sqlite" and Path(str(site_connection.settings_dict["NAME"])).is_file():
        yield "the database", Path(site_connection.settings_dict["NAME"])
    if isinstance(default_storage, FileSystemStorage):
        yield "the storage of pictures", Path(default_storage.location)
    if settings.BUILDS_URL.startswith("file://"):
        yield "the storage of builds", Path(settings.BUILDS_URL.removeprefix("file://"))
    if settings.BACKUP_DIR is not None:
        yield "the folder of backups", Path(settings.BACKUP_DIR)
    # Archives of bundles lie there while they are loaded.
    yield TEMPORARY, Path(tempfile.gettempdir())


def pictures() -> Iterator[Result]:
    """Compare the pictures that rows speak of with those that are stored, by name."""
    try:
        sizes = sizes_below("pictures")
    except OSError as error:
        yield fail(f"the storage cannot be listed: {error}", RIGHTS)
        return
    # Not by a cursor of the server: where the table is missing, closing that raises an error that is none of Django's.
    wanted = {f"pictures/{digest}.png" for digest in Picture.objects.values_list("digest", flat=True)}
    there = set(sizes)
    if empty := [name for name, size in sizes.items() if not size and name in wanted]:
        yield fail(
            f"{len(empty)} pictures are empty in the storage, the first is {empty[0]}",
            f"{MEND}; `manage.py check_study --pictures` compares all bytes",
        )
    if missing := sorted(wanted - there):
        yield fail(
            f"{len(missing)} pictures are missing in the storage, the first is {missing[0]}",
            MEND,
        )
    if orphaned := sorted(there - wanted):
        yield warn(
            f"{len(orphaned)} files are no picture of any study, the first is {orphaned[0]}",
            "they do no harm; delete them if room is short",
        )
    if not missing and not orphaned and not empty:
        yield ok(f"all {len(wanted)} pictures are in the storage, and nothing else")
