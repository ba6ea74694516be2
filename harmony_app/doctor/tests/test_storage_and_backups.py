"""What the doctor says of storages, disks, pictures, backups and studies, in good and in bad state."""

import shutil
import tempfile
from collections import namedtuple
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from analysis.models import ReportRun
from harmony_app.backups.keeping import NAME
from harmony_app.backups.tests.made import storage_in, stored
from harmony_app.backups.writing import backup_write
from harmony_app.doctor import of_backups, of_storage
from harmony_app.doctor.checks import CHECKS, examine
from harmony_app.doctor.result import State
from harmony_app.doctor.tests.asked import ask, said, worst
from studies.models import Picture, Study, Trial
from studies.models.builds import Build
from studies.services import load_bundle

Usage = namedtuple("Usage", ["total", "used", "free"])


@pytest.fixture
def media(tmp_path: Path) -> Iterator[Path]:
    with storage_in(tmp_path / "media") as folder:
        yield folder


@pytest.fixture
def study(db: None, media: Path, tiny_bundle: Path) -> Study:
    return load_bundle(folder=tiny_bundle).study


def test_a_storage_is_written_read_and_left_as_it_was(study: Study, media: Path) -> None:
    before = stored(media)
    assert worst("media") is State.OK
    assert stored(media) == before


def test_a_storage_that_cannot_be_written_fails(db: None, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with storage_in(tmp_path / "file" / "media"):
        assert "the storage of pictures refuses" in said("media")


def test_a_storage_that_keeps_what_it_deletes_fails(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileSystemStorage, "delete", lambda storage, name: None)
    assert "does not delete" in said("media")


def test_a_storage_whose_clock_is_off_fails(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        FileSystemStorage, "get_modified_time", lambda storage, name: datetime.now(UTC) - timedelta(minutes=3)
    )
    assert "the clock of the storage is 180 s behind" in said("media")


def test_the_storage_of_builds_is_tried(settings: Settings, tmp_path: Path) -> None:
    settings.BUILDS_URL = f"file://{tmp_path / 'builds'}"
    assert worst("builds") is State.OK
    (tmp_path / "file").write_text("no folder")
    settings.BUILDS_URL = f"file://{tmp_path / 'file' / 'builds'}"
    assert "the storage of builds refuses" in said("builds")


@pytest.mark.parametrize(("gib", "state"), [(50, State.OK), (3, State.WARN), (0.2, State.FAIL)])
def test_a_disk_that_fills_up_is_said(monkeypatch: pytest.MonkeyPatch, gib: float, state: State) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(0, 0, int(gib * 2**30)))
    assert worst("disk") is state


def test_each_disk_is_told_once_by_what_is_on_it(
    db: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks = {name: tmp_path / name for name in ("data", "media", "builds", "temporary")}
    for folder in disks.values():
        folder.mkdir()
    # Builds are on the disk of the data.
    numbers = {disks["data"]: 1, disks["media"]: 2, disks["builds"]: 1, disks["temporary"]: 3}
    monkeypatch.setattr(of_storage, "disk_of", numbers.__getitem__)
    monkeypatch.setattr(tempfile, "tempdir", str(disks["temporary"]))
    settings.DATA_DIR, settings.BUILDS_URL, settings.BACKUP_DIR = disks["data"], f"file://{disks['builds']}", None
    with storage_in(disks["media"]):
        told = [one.text.split(" (")[0] for one in ask("disk")]
    assert told == ["the data folder", "the storage of pictures", "the folder of temporary files, TMPDIR,"]


def test_little_memory_for_temporary_files_is_no_failure(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {1: 50.0, 2: 3.0}
    monkeypatch.setattr(of_storage, "disk_of", lambda folder: 2 if folder == tmp_path else 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(0, 0, int(free[1 + (folder == tmp_path)] * 2**30)))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    settings.BACKUP_DIR = None
    assert worst("disk") is State.OK
    free[2] = 0.2
    assert worst("disk") is State.WARN


def test_a_database_that_every_user_can_read_is_said(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Folders of tests are closed to others.
    with tempfile.TemporaryDirectory() as name:
        folder, file = Path(name), Path(name) / "harmony.sqlite3"
        file.touch(mode=0o644)
        monkeypatch.setitem(connection.settings_dict, "NAME", str(file))
        assert worst("rights") is State.OK
        folder.chmod(0o755)
        assert f"chmod 700 {folder}" in said("rights")
        assert worst("rights") is State.WARN
        file.chmod(0o600)
        assert worst("rights") is State.OK


def test_what_should_be_deleted_by_now_is_said(study: Study) -> None:
    Session.objects.create(session_key="a", expire_date=timezone.now() - timedelta(days=2))
    assert worst("retention") is State.OK
    Session.objects.update(expire_date=timezone.now() - timedelta(days=4))
    assert "sessions that have ended (1)" in said("retention")
    assert "apply_retention --yes" in said("retention")


def test_missing_and_orphaned_pictures_are_counted(study: Study) -> None:
    assert worst("pictures") is State.OK
    default_storage.save("pictures/stray.png", ContentFile(b"x"))
    assert "1 files are no picture of any study, the first is pictures/stray.png" in said("pictures")
    default_storage.delete(Picture.objects.earliest("digest").path)
    assert "1 pictures are missing in the storage" in said("pictures")
    assert worst("pictures") is State.FAIL


def test_pictures_without_content_are_said(study: Study, media: Path) -> None:
    empty = Picture.objects.earliest("digest").path
    (media / empty).write_bytes(b"")
    assert f"1 pictures are empty in the storage, the first is {empty}" in said("pictures")
    assert worst("pictures") is State.FAIL


def test_places_that_do_not_fit_are_said(study: Study) -> None:
    assert worst("studies") is State.OK
    Trial.objects.filter(pk=Trial.objects.earliest("pk").pk).update(assigned=5)
    assert "run `manage.py check_study tiny`" in said("studies")


def test_failed_builds_and_reports_of_this_week_are_counted(study: Study) -> None:
    old = timezone.now() - timedelta(days=8)
    Build.objects.create(name="old", state="failed", finished_at=old)
    assert worst("failures") is State.OK
    Build.objects.create(name="new", state="failed", finished_at=timezone.now())
    ReportRun.objects.create(study=study, version="v", state="failed", failure="error", finished_at=timezone.now())
    assert "1 builds failed" in said("failures")
    assert "1 reports failed" in said("failures")


@pytest.mark.parametrize(("hours", "state"), [(1, State.OK), (30, State.WARN), (24 * 8, State.FAIL), (-2, State.FAIL)])
def test_the_age_of_the_last_backup_is_told(
    study: Study, settings: Settings, tmp_path: Path, hours: int, state: State
) -> None:
    settings.BACKUP_DIR = tmp_path / "backups"
    place = backup_write(destination=settings.BACKUP_DIR).place
    place.rename(place.with_name((datetime.now(UTC) - timedelta(hours=hours)).strftime(NAME)))
    assert worst("backup") is state


def test_no_backup_and_a_damaged_one_fail(study: Study, settings: Settings, tmp_path: Path) -> None:
    settings.BACKUP_DIR = tmp_path / "backups"
    assert "holds no backup" in said("backup")
    place = backup_write(destination=settings.BACKUP_DIR).place
    (place / "manifest.sha256").write_text(f"{'0' * 64}  manifest.json\n")
    assert "the last backup is damaged" in said("backup")
    settings.BACKUP_DIR = None
    assert worst("backup") is State.WARN


def test_another_secret_key_than_that_of_the_last_backup_is_said(
    study: Study, settings: Settings, tmp_path: Path
) -> None:
    settings.BACKUP_DIR = tmp_path / "backups"
    backup_write(destination=settings.BACKUP_DIR)
    assert worst("backup") is State.OK
    settings.SECRET_KEY = "another one"
    assert "SECRET_KEY is another one than" in said("backup")
    assert worst("backup") is State.FAIL


def test_a_folder_that_cannot_be_read_is_said_and_the_rest_is_looked_at(
    study: Study, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(folder: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied", str(folder))

    settings.BACKUP_DIR = tmp_path / "backups"
    monkeypatch.setattr(of_backups, "backups_in", closed)
    found = {one.check: one.result for one in examine()}
    assert found["backup"].state is State.FAIL
    assert "Permission denied" in found["backup"].text
    assert set(found) == set(CHECKS)
