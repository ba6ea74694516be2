"""`manage.py backup`: what is in it, and that nothing half-written stays."""

import fcntl
import gzip
import shutil
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from harmony_app.backups import keeping, writing
from harmony_app.backups.keeping import backups_in
from harmony_app.backups.manifest import MANIFEST, BackupError
from harmony_app.backups.restoring import backup_restore
from harmony_app.backups.sinks import LOCK
from harmony_app.backups.tests.conftest import Made
from harmony_app.backups.tests.made import fill_site, stored
from harmony_app.backups.writing import backup_write
from studies.models import Picture, Study, User


@pytest.fixture
def site(db: None, media: Path, tiny_bundle: Path) -> Study:
    return fill_site(tiny_bundle)


def test_every_row_of_every_table_is_counted(site: Study, tmp_path: Path) -> None:
    written = backup_write(destination=tmp_path / "backups")
    counts = {table.model: table.rows for table in written.manifest.tables}
    assert counts["studies.user"] == User.objects.count() > 3
    assert counts["studies.picture"] == Picture.objects.count()
    assert counts["studies.auditentry"] > 0


def test_who_is_logged_in_is_not_in_a_backup(site: Study, tmp_path: Path) -> None:
    browser = Client()
    browser.force_login(User.objects.get(username="ana"))
    assert Session.objects.exists()
    written = backup_write(destination=tmp_path / "backups")
    apps = {table.model.partition(".")[0] for table in written.manifest.tables}
    assert not apps & {"sessions", "axes"}


def test_the_second_backup_copies_only_what_is_new(site: Study, media: Path, tmp_path: Path) -> None:
    backup_write(destination=tmp_path / "backups")
    before = {path: path.stat().st_ino for path in (tmp_path / "backups" / "media").rglob("*") if path.is_file()}
    default_storage.save("imports/new.parquet", ContentFile(b"new"))
    backup_write(destination=tmp_path / "backups")
    after = {path: path.stat().st_ino for path in (tmp_path / "backups" / "media").rglob("*") if path.is_file()}
    assert len(after) == len(before) + 1
    assert before.items() <= after.items()


def test_pictures_that_the_backup_has_are_not_read_again(
    site: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup_write(destination=tmp_path / "backups")
    opened: list[str] = []
    open_really = FileSystemStorage.open

    def noting(storage: FileSystemStorage, name: str, mode: str = "rb") -> Any:
        opened.append(name)
        return open_really(storage, name, mode)

    monkeypatch.setattr(FileSystemStorage, "open", noting)
    backup_write(destination=tmp_path / "backups")
    assert opened == ["reports/tiny/1-1-1/report.json"]


def test_keeping_two_removes_the_oldest_with_what_only_it_holds(site: Study, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    name = default_storage.save("imports/old.parquet", ContentFile(b"only in the oldest"))
    first = backup_write(destination=folder).place
    default_storage.delete(name)
    second = backup_write(destination=folder).place
    third = backup_write(destination=folder, keep=2)
    assert third.removed == [first.name]
    assert backups_in(folder) == [second, third.place]
    contents = [path.read_bytes() for path in (folder / "media").rglob("*") if path.is_file()]
    assert b"only in the oldest" not in contents
    assert len(contents) == len(set(stored(Path(default_storage.path(""))).values()))


def test_the_backups_that_stay_are_whole_after_others_were_removed(made: Made, site: Study, tmp_path: Path) -> None:
    folder = shutil.copytree(made.folder, tmp_path / "backups")
    backup_write(destination=folder, keep=1)
    # Every byte was compared before the database was looked at.
    assert "not empty" in backup_restore(path=folder, write=False).unfit


def test_nothing_is_removed_while_a_backup_that_stays_cannot_be_read(site: Study, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    backup_write(destination=folder)
    second = backup_write(destination=folder).place
    (second / "media.jsonl.gz").write_bytes(b"damaged")
    before = stored(folder / "media")
    with pytest.raises(BackupError, match=r"Z was written, but no earlier .*media\.jsonl\.gz: cannot be read"):
        backup_write(destination=folder, keep=2)
    assert stored(folder / "media") == before
    assert len(backups_in(folder)) == 3


def test_a_backup_that_was_just_made_is_not_taken_for_the_oldest(site: Study, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    first = backup_write(destination=folder).place
    # Made while the clock was wrong.
    future = first.rename(folder / first.name.replace("20", "21", 1))
    with pytest.raises(BackupError, match=f"no earlier backup removed, as {future.name} is dated later"):
        backup_write(destination=folder, keep=1)
    assert len(backups_in(folder)) == 2


def test_a_backup_whose_removal_was_interrupted_is_cleared_away(
    site: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backups"
    first = backup_write(destination=folder).place

    def interrupt(path: Path) -> None:
        (path / MANIFEST).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(keeping, "shutil", SimpleNamespace(rmtree=interrupt))
        with pytest.raises(KeyboardInterrupt):
            backup_write(destination=folder, keep=1)
    second = backup_write(destination=folder).place
    left = {path.name.removesuffix(".partial") for path in folder.iterdir()}
    assert first.name not in left
    assert second.name in left


def test_a_place_in_the_storage_of_pictures_is_refused(site: Study, media: Path) -> None:
    before = stored(media)
    for place in (media / "backups", media, media / "site.tar"):
        with pytest.raises(CommandError, match="lies in the storage of pictures"):
            call_command("backup", str(place))
    assert stored(media) == before


@pytest.mark.parametrize("name", ["site.tar.gz", "site.tgz", "site.zip"])
def test_a_name_of_another_archive_is_no_folder(site: Study, tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError, match=r"only \.tar files are written"):
        call_command("backup", str(tmp_path / name))
    assert not (tmp_path / name).exists()


def test_a_disk_that_is_full_leaves_no_half_backup(
    site: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backups"
    first = backup_write(destination=folder).place

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "dump_media", full)
    with pytest.raises(BackupError, match=r"backups: the backup was not made: .*No space left"):
        backup_write(destination=folder)
    with pytest.raises(BackupError, match=r"site\.tar: the backup was not made"):
        backup_write(destination=tmp_path / "site.tar")
    assert backups_in(folder) == [first]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backups", "media"]
    assert sorted(path.name for path in folder.iterdir()) == sorted([LOCK, first.name, "media"])


def test_what_a_killed_backup_left_is_cleared_away(site: Study, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    backup_write(destination=folder)
    (folder / "2026-01-01T000000.000000Z.partial" / "tables").mkdir(parents=True)
    backup_write(destination=folder)
    assert not list(folder.glob("*.partial"))


def test_two_backups_do_not_write_into_one_folder(site: Study, tmp_path: Path) -> None:
    backup_write(destination=tmp_path / "backups")
    with (tmp_path / "backups" / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BackupError, match="another backup is being written there"):
            backup_write(destination=tmp_path / "backups")


def test_a_folder_of_other_things_is_left_alone(db: None, media: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("mine")
    with pytest.raises(CommandError, match="holds other things than backups"):
        call_command("backup", str(tmp_path / "thesis"))
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]


def test_a_file_that_exists_is_not_written_over(db: None, media: Path, tmp_path: Path) -> None:
    (tmp_path / "site.tar").write_bytes(b"an earlier one")
    with pytest.raises(CommandError, match=r"site\.tar: exists"):
        call_command("backup", str(tmp_path / "site.tar"))
    assert (tmp_path / "site.tar").read_bytes() == b"an earlier one"


def test_a_picture_that_is_just_being_written_is_left_out_and_named(
    site: Study, media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = Picture.objects.earliest("pk")
    (media / picture.path).write_bytes(b"\x89PNG half of")
    call_command("backup", str(tmp_path / "backups"))
    said = capsys.readouterr().err
    assert f"{picture.path}: has other bytes than its name says, left out" in said
    assert f"{picture.path}: is missing in the storage" in said


def test_only_its_owner_can_read_a_backup(site: Study, tmp_path: Path) -> None:
    backup_write(destination=tmp_path / "backups")
    backup_write(destination=tmp_path / "site.tar")
    assert (tmp_path / "backups").stat().st_mode & 0o077 == 0
    assert (tmp_path / "site.tar").stat().st_mode & 0o077 == 0


def test_only_its_owner_can_read_a_backup_in_a_folder_of_somebody_else(
    site: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    (tmp_path / "backups").mkdir(mode=0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    place = backup_write(destination=tmp_path / "backups").place
    assert [path.stat().st_mode & 0o777 for path in (place, place.parent / "media")] == [0o700, 0o700]


def test_the_secret_key_is_not_in_a_backup(site: Study, tmp_path: Path, settings: Settings) -> None:
    settings.SECRET_KEY = "a-key-that-is-looked-for"
    place = backup_write(destination=tmp_path / "backups").place
    for path in place.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            plain = gzip.decompress(content) if path.suffix == ".gz" else content
            assert b"a-key-that-is-looked-for" not in plain


def test_the_manifest_is_the_last_in_a_tar(made: Made) -> None:
    with tarfile.open(made.tar) as tar:
        assert tar.getnames()[-1] == "manifest.json"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "set HARMONY_BACKUP_DIR"),
        (["backups", "--keep", "0"], "--keep 0 is too small"),
        (["site.tar", "--keep", "2"], "--keep is for folders"),
    ],
)
def test_what_cannot_be_asked_for_is_said(
    db: None, arguments: list[str], said: str, settings: Settings, tmp_path: Path
) -> None:
    settings.BACKUP_DIR = None
    places = [str(tmp_path / word) if word in ("backups", "site.tar") else word for word in arguments]
    with pytest.raises(CommandError, match=said):
        call_command("backup", *places)
