"""What the database knows of pictures is on the disk before it knows it, and what a power cut took is mended."""

import ctypes
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.storage import InMemoryStorage
from django.core.management import CommandError, call_command
from pytest_django import Settings

from studies import disk_sync
from studies.disk_sync import file_system_sync, storage_sync
from studies.media import sizes_below
from studies.models import Picture, Study
from studies.services import load_bundle
from studies.services.protocols import protocol_set
from studies.tests.bundles import write_bundle

PRACTICE = """
[[pages]]
kind = "practice"
title = "Practice"
make = 2

[[pages]]
kind = "trials"

[trials]
annotators_per_trial = 2
"""
Seen = list[tuple[Path, int, int]]


@pytest.fixture
def bundle(db: None, own_media: Path, tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle", slug="small", images=2)


@pytest.fixture
def synced(bundle: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """What is waited for, each time: the folder, how many pictures lie there, and of how many there are rows."""
    seen: Seen = []

    def note(folder: Path) -> None:
        file_system_sync(folder)
        seen.append((folder, len(sizes_below("pictures")), Picture.objects.count()))

    settings.MEDIA_SYNC = True
    monkeypatch.setattr(disk_sync, "file_system_sync", note)
    return seen


def test_all_pictures_are_on_the_disk_before_there_are_rows_of_them(
    bundle: Path, synced: Seen, own_media: Path
) -> None:
    load_bundle(folder=bundle)
    assert synced == [(own_media, 14, 0)]
    assert Picture.objects.count() == 14


def test_pictures_that_an_import_before_left_are_waited_for_as_well(bundle: Path, synced: Seen) -> None:
    load_bundle(folder=bundle)
    Study.objects.all().delete()
    Picture.objects.all().delete()
    assert load_bundle(folder=bundle).copied == 0
    assert [rows for _, _, rows in synced] == [0, 0]


def test_a_disk_that_fails_leaves_nothing_in_the_database(
    bundle: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_folder: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    settings.MEDIA_SYNC = True
    monkeypatch.setattr(disk_sync, "file_system_sync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        load_bundle(folder=bundle)
    assert not Study.objects.exists()
    assert not Picture.objects.exists()


def test_the_decoys_of_a_protocol_are_on_the_disk_before_there_are_rows_of_them(
    db: None, own_media: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = load_bundle(folder=write_bundle(tmp_path / "bundle", slug="small", images=4, size=8)).study
    seen = []
    settings.MEDIA_SYNC = True
    monkeypatch.setattr(
        disk_sync, "file_system_sync", lambda _: seen.append((len(sizes_below("pictures")), Picture.objects.count()))
    )
    protocol_set(study=study, text=PRACTICE, name="protocol.toml")
    assert seen == [(30, 28)]


def test_who_does_not_want_it_does_not_wait(bundle: Path, synced: Seen, settings: Settings) -> None:
    settings.MEDIA_SYNC = False
    load_bundle(folder=bundle)
    assert synced == []


def test_a_storage_without_a_folder_has_nothing_to_wait_for(synced: Seen) -> None:
    storage_sync(InMemoryStorage())
    assert synced == []


def test_a_file_system_that_reports_an_error_raises_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        @staticmethod
        def syncfs(_descriptor: int) -> int:
            ctypes.set_errno(errno.EIO)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *_args, **_named: Library)
    with pytest.raises(OSError, match="Input/output error") as raised:
        file_system_sync(tmp_path)
    assert raised.value.filename == str(tmp_path)


def test_a_system_that_cannot_sync_one_file_system_syncs_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.setattr(ctypes, "CDLL", lambda *_args, **_named: object())
    monkeypatch.setattr(os, "sync", lambda: called.append("all"))
    file_system_sync(tmp_path)
    assert called == ["all"]


def damaged(content: bytes) -> bytes:
    return content[:-1] + b"?"


@pytest.mark.parametrize("cut", [lambda _: b"", lambda content: content[: len(content) // 2], damaged])
def test_loading_again_mends_pictures_that_a_power_cut_took(
    bundle: Path, own_media: Path, cut: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    load_bundle(folder=bundle)
    files = sorted((own_media / "pictures").iterdir())
    whole = [file.read_bytes() for file in files]
    for file in files[:5]:
        file.write_bytes(cut(file.read_bytes()))
    with pytest.raises(CommandError, match="5"):
        call_command("check_study", "small", "--pictures")
    assert load_bundle(folder=bundle).copied == 5
    assert [file.read_bytes() for file in files] == whole
    call_command("check_study", "small", "--pictures")
    assert "small: consistent" in capsys.readouterr().out


def test_setting_a_protocol_again_mends_its_decoys(db: None, own_media: Path, tmp_path: Path) -> None:
    study = load_bundle(folder=write_bundle(tmp_path / "bundle", slug="small", images=4, size=8)).study
    of_bundle = set(sizes_below("pictures"))
    protocol_set(study=study, text=PRACTICE, name="protocol.toml")
    decoys = [own_media / name for name in set(sizes_below("pictures")) - of_bundle]
    whole = [decoy.read_bytes() for decoy in decoys]
    for decoy in decoys:
        decoy.write_bytes(b"")
    protocol_set(study=study, text=PRACTICE, name="protocol.toml")
    assert len(decoys) == 2
    assert [decoy.read_bytes() for decoy in decoys] == whole
