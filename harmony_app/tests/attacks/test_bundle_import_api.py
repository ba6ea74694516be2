"""Bundles that come in by the API: all of one or nothing, and nothing of anyone else's."""

import io
import time
import zipfile
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from pytest_django import Settings

from harmony_app.tests.attacks.bundles import ARCHIVES, SECRET, SPOILED, archive_of, sound
from studies.models import AuditEntry, Picture, Study
from studies.services.lifecycle import study_archive
from studies.tests.bundles import write_bundle
from studies.tests.research_api import Program, researcher

# These cannot be in an archive: what is packed is the file behind a link, and a pipe never ends.
UNPACKED_ALONE = {"link", "pipe", "gigabytes", "folder"}
SPOILED_FILES = [name for name in SPOILED if not UNPACKED_ALONE & set(name.split("_"))]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return sound(tmp_path / "bundle")


@pytest.fixture
def program(db: None) -> Program:
    return Program(researcher("ada"))


def test_whoever_sends_a_new_bundle_owns_its_study(program: Program, bundle: Path) -> None:
    reply = program.upload(archive_of(bundle))
    assert (reply.status_code, reply.json()["study"], reply.json()["change"]) == (201, "attack", "loaded")
    study = Study.objects.get()
    assert study.owner == program.token.user
    assert AuditEntry.objects.get(study=study).action == "imported"
    assert all(default_storage.exists(picture.path) for picture in Picture.objects.all())


def test_the_same_bundle_again_changes_nothing(program: Program, bundle: Path) -> None:
    program.upload(archive_of(bundle))
    reply = program.upload(archive_of(bundle))
    assert (reply.status_code, reply.json()["change"]) == (200, "unchanged")
    assert AuditEntry.objects.count() == 1


def test_a_bundle_packed_with_its_folder_is_taken(program: Program, bundle: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("my bundle/", "")
        for path in sorted(bundle.rglob("*")):
            archive.write(path, f"my bundle/{path.relative_to(bundle)}")
    assert program.upload(packed.getvalue()).status_code == 201


def test_a_study_of_others_is_neither_changed_nor_told_of(program: Program, bundle: Path, tmp_path: Path) -> None:
    program.upload(archive_of(bundle))
    before = Study.objects.values().get()
    other = write_bundle(tmp_path / "other", slug="attack", images=2, size=8)
    reply = Program(researcher("eve")).upload(archive_of(other))
    assert (reply.status_code, reply.json()["code"]) == (409, "slug_taken")
    assert Study.objects.values().get() == before


def test_an_archived_study_is_not_changed(program: Program, bundle: Path, tmp_path: Path) -> None:
    program.upload(archive_of(bundle))
    study_archive(study=Study.objects.get(), actor=None)
    before = Study.objects.values().get()
    other = write_bundle(tmp_path / "other", slug="attack", images=2, size=8)
    assert program.upload(archive_of(other)).status_code == 409
    assert Study.objects.values().get() == before


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_attacks_is_refused_quickly_and_leaves_nothing(
    name: str, program: Program, bundle: Path, tmp_path: Path
) -> None:
    spoiled = ARCHIVES[name](bundle)
    started = time.monotonic()
    reply = program.upload(spoiled)
    assert time.monotonic() - started < 30
    assert reply.status_code == 400, reply.content
    [message] = reply.json()["archive"]
    assert ";" in message
    assert not Study.objects.exists()
    assert not list(tmp_path.parent.rglob("escaped.txt"))


@pytest.mark.parametrize("name", SPOILED_FILES)
def test_a_spoiled_bundle_in_an_archive_is_refused_without_a_word_of_the_server(
    name: str, program: Program, bundle: Path
) -> None:
    SPOILED[name](bundle)
    reply = program.upload(archive_of(bundle))
    assert reply.status_code == 400, reply.content
    [message] = reply.json()["archive"]
    assert "harmony-bundle" not in message
    assert SECRET.decode() not in message
    assert not Study.objects.exists()


def test_a_list_of_contents_that_is_longer_than_it_says_is_not_read(program: Program, bundle: Path) -> None:
    # The record at the end is preceded by one for larger archives, which readers believe more.
    archive = archive_of(bundle)
    reply = program.upload(archive[:-22] + b"PK\x06\x07" + bytes(16) + archive[-22:])
    assert reply.status_code == 400
    assert "zip64" in reply.json()["archive"][0]


def test_an_archive_that_is_too_large_is_refused_by_its_length(
    program: Program, bundle: Path, settings: Settings
) -> None:
    settings.BUNDLE_MEBIBYTES = 1
    reply = program.upload(archive_of(bundle) + bytes(2 * 1024 * 1024))
    assert reply.status_code == 413
    assert not Study.objects.exists()


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_what_is_no_archive_by_its_type_is_refused(content_type: str, program: Program, bundle: Path) -> None:
    reply = program.client.post("/api/v1/bundles/", archive_of(bundle), content_type=content_type)
    assert reply.status_code == 415


def test_an_empty_body_is_refused(program: Program) -> None:
    assert program.upload(b"").status_code == 400
