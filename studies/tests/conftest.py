"""Fixtures of builds."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from studies.models import User
from studies.tests.build_site import BuildSite


@pytest.fixture
def build_site(db: None, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> BuildSite:
    """Builds whose steps the stand-in does when a test says so."""
    return BuildSite(monkeypatch, settings, f"file://{tmp_path}/builds")


@pytest.fixture
def builder(new_user: Callable[..., User]) -> User:
    """A researcher who starts builds."""
    user = new_user("builder")
    user.is_staff = True
    user.save()
    return user
