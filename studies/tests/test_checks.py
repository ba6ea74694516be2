"""System checks for what the settings alone cannot see."""

from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from pytest_django import Settings

from studies import checks


def test_nothing_is_wrong_here() -> None:
    assert checks.check_jspsych(None) == []
    assert checks.check_media(None) == []


def test_missing_browser_packages_are_named_with_the_remedy(settings: Settings) -> None:
    settings.STATICFILES_DIRS = []
    (error,) = checks.check_jspsych(None)
    assert error.id == "studies.E001"
    assert "npm ci" in str(error.hint)


def test_a_media_folder_that_cannot_be_written_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    media = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    media_options = {"OPTIONS": {"location": str(tmp_path / "file" / "media")}}
    settings.STORAGES = {**settings.STORAGES, "default": {**media, **media_options}}
    (error,) = checks.check_media(None)
    assert error.id == "studies.E002"
    assert str(tmp_path / "file" / "media") in error.msg
    assert "MEDIA_ROOT" in str(error.hint)


def test_a_media_folder_that_is_yet_to_be_made_is_fine(settings: Settings, tmp_path: Path) -> None:
    media = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path / "a/b")}}
    settings.STORAGES = {**settings.STORAGES, "default": media}
    assert checks.check_media(None) == []


def test_another_storage_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere:
        """A storage that has no folder."""

    assert not issubclass(Elsewhere, FileSystemStorage)
    monkeypatch.setattr(checks, "default_storage", Elsewhere())
    assert checks.check_media(None) == []
