"""Exports see one moment, and keep nobody from answering."""

import json
from pathlib import Path

import pytest

from harmony_app.tests.servers import LiveSite, Postgres

SEEN = {"seen": [0, 0, 0, 1, 2], "was_kept_waiting": False}


def watched(folder: Path, database_url: str | None = None) -> object:
    site = LiveSite(folder, database_url, workers=1)
    site.manage("migrate", "--verbosity", "0")
    return json.loads(site.python("-m", "studies.tests.snapshot_watch"))


def test_an_export_from_sqlite_sees_one_moment_while_others_write(tmp_path: Path) -> None:
    assert watched(tmp_path) == SEEN


@pytest.mark.postgres
def test_an_export_from_postgresql_sees_one_moment_while_others_write(tmp_path: Path, postgres: Postgres) -> None:
    assert watched(tmp_path, postgres.new_database()) == SEEN
