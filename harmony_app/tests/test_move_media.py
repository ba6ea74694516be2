"""manage.py move_media."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage
from django.core.management import CommandError, call_command
from pytest_django import Settings

from harmony_app import media_moving
from harmony_app.media_moving import opened_storage
from harmony_app.media_storage import folder_storage, media_storage
from harmony_app.tests.object_storage import ObjectStorageServer
from studies.media import sizes_below, stored_bytes

FILES = {"pictures/a.png": b"a picture", "reports/study/1-1-1/figures/b.svg": b"<svg/>", "imports/c.parquet": b"PAR1"}


@pytest.fixture
def media(settings: Settings, tmp_path: Path) -> Storage:
    settings.STORAGES = {**settings.STORAGES, "default": folder_storage(tmp_path / "media")}
    for name, content in FILES.items():
        default_storage.save(name, ContentFile(content))
    return default_storage


def moved(to: str, **options: Any) -> str:
    out = StringIO()
    call_command("move_media", to=to, stdout=out, stderr=out, **options)
    return out.getvalue()


def content_of(url: str) -> dict[str, bytes]:
    storage = opened_storage(url)
    return {name: stored_bytes(name, storage) for name in sizes_below("", storage)}


@pytest.fixture(params=["folder", "bucket"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return f"file://{tmp_path / 'new'}"
    url: str = request.getfixturevalue("object_storage").url
    return url


def test_everything_is_at_the_new_place_and_still_at_the_old_one(media: Storage, target: str) -> None:
    assert moved(target) == f"3 files copied to {target} (0.0 MiB), 0 were there\n"
    assert content_of(target) == FILES
    assert list(sizes_below("", media)) == sorted(FILES)


def test_a_second_time_nothing_is_copied(media: Storage, target: str) -> None:
    moved(target)
    assert "0 files copied" in moved(target)
    assert "0 files copied" in moved(target, thorough=True)


def test_a_copy_that_was_cut_off_is_made_whole(media: Storage, target: str) -> None:
    opened_storage(target).save("pictures/a.png", ContentFile(b"a pic"))
    assert "3 files copied" in moved(target)
    assert content_of(target) == FILES


def test_other_bytes_of_the_same_size_are_found_by_a_thorough_copy(media: Storage, target: str) -> None:
    opened_storage(target).save("pictures/a.png", ContentFile(b"A PICTURE"))
    assert "2 files copied" in moved(target)
    assert content_of(target)["pictures/a.png"] == b"A PICTURE"
    assert "1 files copied" in moved(target, thorough=True)
    assert content_of(target) == FILES


def test_it_goes_back_into_a_folder(
    media: Storage, object_storage: ObjectStorageServer, settings: Settings, tmp_path: Path
) -> None:
    moved(object_storage.url)
    settings.STORAGES = {**settings.STORAGES, "default": media_storage(object_storage.url, Path("/unused"))}
    assert "3 files copied" in moved(f"file://{tmp_path / 'back'}")
    assert content_of(f"file://{tmp_path / 'back'}") == FILES


def test_an_interrupted_copy_goes_on_where_it_was(media: Storage, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = media_moving._copied

    def break_off(source: Storage, to: Storage, name: str, **options: Any) -> Any:
        if name.startswith("reports"):
            raise KeyboardInterrupt
        return copied(source, to, name, **options)

    with monkeypatch.context() as patch:
        patch.setattr(media_moving, "_copied", break_off)
        with pytest.raises(KeyboardInterrupt):
            moved(target)
    assert "1 files copied" in moved(target)
    assert content_of(target) == FILES


def test_bytes_that_come_back_changed_are_a_fault(media: Storage, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_moving, "_digest_at", lambda storage, name: "another")
    out = StringIO()
    with pytest.raises(CommandError, match="3 files were not copied; run the command again"):
        call_command("move_media", to=target, stdout=out, stderr=out)
    assert "pictures/a.png: other bytes were read than were written; copy again" in out.getvalue()


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("/folder", "use s3://bucket/prefix or file:///folder"),
        ("ftp://user:secret@host/x", "--to ftp://host/x: use s3://bucket/prefix"),
        ("file://folder", "is no folder with a full path"),
        ("file:///", "is no folder with a full path"),
        ("s3://NO/x", "--to='s3://NO/x' names no bucket"),
    ],
)
def test_other_addresses_are_refused(media: Storage, to: str, message: str) -> None:
    with pytest.raises(CommandError) as error:
        moved(to)
    assert message in str(error.value)
    assert "secret" not in str(error.value)


def test_a_storage_is_not_copied_into_itself(media: Storage, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="lies in the present storage"):
        moved(f"file://{tmp_path / 'media' / 'new'}")
    assert list(sizes_below("", media)) == sorted(FILES)


def test_a_place_that_cannot_be_written_is_said(media: Storage, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CommandError, match=r"a storage refuses: .*file"):
        moved(f"file://{tmp_path / 'file' / 'new'}")


def test_a_storage_is_not_copied_onto_itself(media: Storage, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is the present storage"):
        moved(f"file://{tmp_path / 'media'}/")
