"""Bundles that attack whoever loads them: refused by name, quickly, and nothing comes in."""

import re
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from harmony_app.tests.attacks.bundles import ARCHIVES, SECRET, SPOILED, archive_of, sound
from studies.models import Picture, Study, User

MANY_SECONDS = 30.0
MUCH_MEMORY = 300 * 1024 * 1024


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return sound(tmp_path / "bundle")


@pytest.mark.django_db
def test_the_bundle_that_is_spoiled_below_is_sound(bundle: Path) -> None:
    call_command("load_study", str(bundle), verbosity=0)
    assert Study.objects.get().slug == "attack"


@pytest.mark.django_db
@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_bundle_is_refused_whole(name: str, bundle: Path) -> None:
    SPOILED[name](bundle)
    started = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(CommandError) as refused:
            call_command("load_study", str(bundle))
        assert tracemalloc.get_traced_memory()[1] < MUCH_MEMORY
    finally:
        tracemalloc.stop()
    assert time.monotonic() - started < MANY_SECONDS
    # File or field, and a remedy after it.
    assert re.search(r"(\.json|\.png).*;", str(refused.value), re.DOTALL), refused.value
    assert SECRET.decode() not in str(refused.value)
    assert not Study.objects.exists()
    assert not Picture.objects.exists()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_nothing_of_a_spoiled_bundle_is_stored(bundle: Path) -> None:
    SPOILED["link_for_a_picture"](bundle)
    before = set(_stored())
    with pytest.raises(CommandError):
        call_command("load_study", str(bundle))
    assert set(_stored()) == before


def _stored() -> list[str]:
    return default_storage.listdir("pictures")[1] if default_storage.exists("pictures") else []


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_spoiled_archive_is_small_and_no_sound_bundle(name: str, bundle: Path) -> None:
    spoiled = ARCHIVES[name](bundle)
    assert len(spoiled) < 25 * 1024 * 1024
    assert spoiled != archive_of(bundle)


def test_the_bomb_unfolds_to_far_more_than_is_sent(bundle: Path) -> None:
    build: Callable[[Path], bytes] = ARCHIVES["bomb"]
    spoiled = build(bundle)
    with zipfile.ZipFile(BytesIO(spoiled)) as archive:
        assert sum(entry.file_size for entry in archive.infolist()) > 100 * len(spoiled)
