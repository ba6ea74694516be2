"""A backup of a small site, made once, and a site without anything."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from harmony_app.backups.tests.made import all_rows, fill_site, storage_in, stored
from harmony_app.backups.writing import backup_write


@dataclass(frozen=True)
class Made:
    """A backup in a folder and the same as a .tar file, with the rows and objects that the site had."""

    folder: Path
    tar: Path
    rows: dict[str, list[tuple[Any, ...]]]
    objects: dict[str, str]


@pytest.fixture(scope="module")
def made(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path
) -> Made:
    root = tmp_path_factory.mktemp("made")
    with django_db_blocker.unblock(), storage_in(root / "media"), transaction.atomic():
        fill_site(tiny_bundle)
        backup_write(destination=root / "backups")
        backup_write(destination=root / "site.tar")
        rows = all_rows()
        transaction.set_rollback(True)
    return Made(root / "backups", root / "site.tar", rows, stored(root / "media"))


@pytest.fixture
def media(tmp_path: Path) -> Iterator[Path]:
    """An empty storage."""
    with storage_in(tmp_path / "media") as folder:
        yield folder
