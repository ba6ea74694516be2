"""`manage.py restore` into an empty site: everything comes back, or nothing."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from harmony_app.backups import restoring
from harmony_app.backups.loading import load_table
from harmony_app.backups.manifest import BackupError
from harmony_app.backups.restoring import backup_restore, source_at
from harmony_app.backups.tests.conftest import Made
from harmony_app.backups.tests.made import all_rows, is_empty, stored
from harmony_app.backups.verifying import read_checked_manifest
from studies.consistency import pictures_are_whole, study_is_consistent
from studies.models import Response, Study, User
from studies.services import assignments_draw

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", ["folder", "tar", "one"])
def test_every_row_and_every_object_comes_back(made: Made, media: Path, kind: str) -> None:
    sources = {"folder": made.folder, "tar": made.tar, "one": next(made.folder.glob("2*Z"))}
    backup_restore(path=sources[kind], write=True)
    assert all_rows() == made.rows
    assert stored(media) == made.objects
    for study in Study.objects.all():
        assert study_is_consistent(study) + pictures_are_whole(study) == []


def test_people_log_in_and_go_on_after_a_restore(made: Made, media: Path) -> None:
    backup_restore(path=made.folder, write=True)
    person = User.objects.get(username="ana")
    assert person.check_password("correct horse")
    participation = person.participations.get()
    assert [one.state for one in assignments_draw(participation=participation, count=2)] == ["live", "live"]


def test_new_rows_get_keys_of_their_own_after_a_restore(made: Made, media: Path) -> None:
    backup_restore(path=made.folder, write=True)
    newest = max(User.objects.values_list("pk", flat=True))
    assert User.objects.create_user(username="new").pk == newest + 1


def test_without_being_told_to_nothing_is_written(made: Made, media: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("restore", str(made.folder))
    said = capsys.readouterr().out
    assert "every digest fits" in said
    assert "nothing was written; add --into-empty" in said
    assert is_empty()
    assert stored(media) == {}


def test_a_backup_is_checked_on_the_site_that_it_is_from(
    made: Made, media: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    User.objects.create_user(username="somebody")
    call_command("restore", str(made.folder))
    said = capsys.readouterr().out
    assert "every digest fits" in said
    assert "nothing was written; it cannot be restored into this site: the database is not empty" in said
    assert User.objects.count() == 1
    assert stored(media) == {}


def test_a_restore_tells_what_came_back(made: Made, media: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("restore", str(made.tar), "--into-empty")
    said = capsys.readouterr().out
    assert f"studies.response: {Response.objects.count()}" in said
    assert f"restored; {len(made.objects)} objects were new" in said


def test_a_database_with_rows_is_refused(made: Made, media: Path) -> None:
    User.objects.create_user(username="somebody")
    with pytest.raises(CommandError, match=r"not empty \(there are rows of studies\.user\)"):
        call_command("restore", str(made.folder), "--into-empty")
    assert User.objects.count() == 1
    assert stored(media) == {}


def test_an_object_of_the_same_name_and_other_bytes_is_refused(made: Made, media: Path) -> None:
    name = next(iter(made.objects))
    (media / name).parent.mkdir(parents=True)
    (media / name).write_bytes(b"something else")
    with pytest.raises(CommandError, match="the storage has another object of this name"):
        call_command("restore", str(made.folder), "--into-empty")
    assert is_empty()
    assert (media / name).read_bytes() == b"something else"


def test_objects_that_are_there_already_are_kept(made: Made, media: Path) -> None:
    # As a restore leaves them that was interrupted before the rows.
    with source_at(made.folder) as source:
        restoring._fill_storage(source, read_checked_manifest(source))
    before = {path: path.stat().st_ino for path in media.rglob("*") if path.is_file()}
    assert backup_restore(path=made.folder, write=True).objects_written == 0
    assert {path: path.stat().st_ino for path in media.rglob("*") if path.is_file()} == before


def test_rows_that_do_not_fit_together_are_all_refused(
    made: Made, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = load_table
    monkeypatch.setattr(
        restoring,
        "load_table",
        lambda source, table, model: None if table.model == "studies.trial" else load(source, table, model),
    )
    with pytest.raises(BackupError, match="the rows do not fit together, so none was restored"):
        backup_restore(path=made.folder, write=True)
    assert is_empty()


def test_somebody_who_comes_in_meanwhile_is_not_written_over(
    made: Made, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = restoring._fill_storage

    def slowly(*arguments: object) -> None:
        fill(*arguments)  # type: ignore[arg-type]
        User.objects.create_user(username="early")

    monkeypatch.setattr(restoring, "_fill_storage", slowly)
    with pytest.raises(BackupError, match="not empty"):
        backup_restore(path=made.folder, write=True)
    assert [user.username for user in User.objects.all()] == ["early"]


def test_another_secret_key_is_said(
    made: Made, media: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SECRET_KEY = "another key, of another site"
    call_command("restore", str(made.folder))
    assert "with another SECRET_KEY" in capsys.readouterr().err


def test_a_database_ahead_of_the_backup_is_refused(made: Made, media: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('studies', '9999_later', '2026-01-01')"
        )
    with pytest.raises(BackupError, match=r"has the migration studies\.9999_later.*new database without tables"):
        backup_restore(path=made.folder, write=True)


def test_a_source_that_is_not_there_is_said(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is not there"):
        call_command("restore", str(tmp_path / "nothing"))
    with pytest.raises(CommandError, match="holds no whole backup"):
        call_command("restore", str(tmp_path))
