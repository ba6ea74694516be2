"""Pictures in a folder: there whole or not at all, once, and readable for whoever serves them."""

import hashlib
import io
import os
import stat
from pathlib import Path
from typing import IO

import pytest
from django.core.files.storage import default_storage
from pytest_django import Settings

from studies.media import sizes_below, stored_bytes
from studies.services.picture_storage import picture_store

CONTENT = b"what a picture holds" * 5000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
NAME = f"pictures/{DIGEST}.png"


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    place = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path / "media")}}
    settings.STORAGES = {**settings.STORAGES, "default": place}
    return tmp_path / "media" / "pictures"


def store() -> bool:
    return picture_store(digest=DIGEST, open_content=lambda: io.BytesIO(CONTENT))


def test_a_picture_is_stored_once() -> None:
    assert store()
    assert not store()
    assert stored_bytes(NAME) == CONTENT


def test_a_picture_whose_writing_breaks_off_is_not_there(folder: Path) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > len(CONTENT) // 2:
                raise OSError("no more")
            return super().read(size)

    with pytest.raises(OSError, match="no more"):
        picture_store(digest=DIGEST, open_content=lambda: Failing(CONTENT))
    assert list(folder.iterdir()) == []


def test_while_a_picture_is_written_nothing_of_it_is_seen(folder: Path) -> None:
    seen: list[object] = []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            seen.append((default_storage.exists(NAME), sizes_below(""), len(list(folder.iterdir()))))
            return super().read(size)

    picture_store(digest=DIGEST, open_content=lambda: Watched(CONTENT))
    assert len(seen) > 1
    assert set(map(str, seen)) == {str((False, {}, 1))}
    assert sizes_below("") == {NAME: len(CONTENT)}


def test_a_damaged_picture_is_replaced_without_being_away(folder: Path) -> None:
    store()
    (folder / f"{DIGEST}.png").write_bytes(CONTENT[:10])

    def present() -> IO[bytes]:
        assert default_storage.exists(NAME)
        return io.BytesIO(CONTENT)

    assert picture_store(digest=DIGEST, open_content=present)
    assert stored_bytes(NAME) == CONTENT


def test_two_who_store_a_picture_at_once_leave_one_file() -> None:
    def meanwhile() -> IO[bytes]:
        store()
        return io.BytesIO(CONTENT)

    assert picture_store(digest=DIGEST, open_content=meanwhile)
    assert sizes_below("") == {NAME: len(CONTENT)}


def test_a_picture_can_be_read_by_the_server_whatever_the_mask_of_who_stored_it(folder: Path) -> None:
    before = os.umask(0o077)
    try:
        store()
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / f"{DIGEST}.png").stat().st_mode) == 0o644
