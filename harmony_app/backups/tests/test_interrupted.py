"""Backups and restores that are killed, or find no room: nothing half-written, and the next try succeeds."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

import psycopg2
import pytest

from harmony_app.backups.tests.conftest import Made
from harmony_app.local_servers import ServerError
from harmony_app.tests.servers import ROOT, LiveSite, Postgres, private_folder
from studies.tests.bundles import write_bundle

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

# Like manage.py, in a process that is killed when it comes to one of these moments for the n-th time.
KILLED = """
import os, signal, sys
import django
django.setup()
from django.core.management import call_command
from harmony_app.backups import dumping, restoring
moment, count = sys.argv[1], int(sys.argv[2])
module = restoring if hasattr(restoring, moment) else dumping
really, seen = getattr(module, moment), []
def watched(*arguments, **more):
    result = really(*arguments, **more)
    seen.append(1)
    if len(seen) == count:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(module, moment, watched)
call_command(*sys.argv[3:])
"""
# Like manage.py, in a process none of whose files can grow beyond so many bytes.
LIMITED = """
import resource, sys
from django.core.management import execute_from_command_line
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
execute_from_command_line(["manage.py", *sys.argv[2:]])
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest) -> Iterator[LiveSite]:
    """A site without tables and without objects, which is not started."""
    url = None
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.new_database()
    with private_folder() as folder:
        yield LiveSite(folder, url, 1)


@pytest.fixture
def on_postgres(postgres: Postgres) -> Iterator[LiveSite]:
    """A site whose database is elsewhere, so that a limit on files holds for its storage alone."""
    with private_folder() as folder:
        yield LiveSite(folder, postgres.new_database(), 1)


def killed(site: LiveSite, moment: str, count: int, *arguments: str) -> None:
    with pytest.raises(ServerError):
        site.python("-c", KILLED, moment, str(count), *arguments)


def users_in(site: LiveSite) -> int:
    """Count users past Django; tables that are not there hold none."""
    query = "SELECT count(*) FROM studies_user"
    url = site.database_url
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(urlparse(url).path.removeprefix("/"))) as connection:
            try:
                return int(connection.execute(query).fetchone()[0])
            except sqlite3.OperationalError:
                return 0
    with contextlib.closing(psycopg2.connect(url)) as server, server.cursor() as cursor:
        try:
            cursor.execute(query)
        except psycopg2.errors.UndefinedTable:
            return 0
        row = cursor.fetchone()
        assert row is not None
        return int(row[0])


@pytest.mark.parametrize(
    ("moment", "count"), [("_fill_storage", 1), ("_migrate_to", 1), ("load_table", 12), ("_load", 1)]
)
def test_a_restore_that_is_killed_leaves_all_or_nothing(bare: LiveSite, made: Made, moment: str, count: int) -> None:
    killed(bare, moment, count, "restore", str(made.tar), "--into-empty")
    if moment == "_load":
        # Killed after the commit: everything is there, and a second restore is refused.
        assert users_in(bare) == len(made.rows["studies.user"])
        with pytest.raises(ServerError, match="not empty"):
            bare.manage("restore", str(made.tar), "--into-empty")
    else:
        assert users_in(bare) == 0
        assert "restored" in bare.manage("restore", str(made.tar), "--into-empty")
    assert "consistent" in bare.manage("check_study", "--pictures")


def test_two_restores_at_once_bring_the_rows_in_once(on_postgres: LiveSite, made: Made) -> None:
    on_postgres.manage("migrate", "--verbosity", "0")
    command = [sys.executable, "manage.py", "restore", str(made.tar), "--into-empty"]
    environment = {**os.environ, **on_postgres.environment}
    both = [subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [one.communicate(timeout=120)[1] for one in both]
    assert sorted(one.returncode for one in both) == [0, 1]
    assert any("not empty" in text or "refused" in text for text in said)
    assert users_in(on_postgres) == len(made.rows["studies.user"])


def test_a_restore_without_room_for_its_pictures_is_done_later(on_postgres: LiveSite, made: Made) -> None:
    with pytest.raises(ServerError, match=r"the storage or the backup cannot be used: .*File too large"):
        on_postgres.python("-c", LIMITED, "500", "restore", str(made.folder), "--into-empty")
    assert users_in(on_postgres) == 0
    assert list(on_postgres.folder.rglob(".restore-*")) == []
    assert "restored" in on_postgres.manage("restore", str(made.folder), "--into-empty")


def test_a_backup_without_room_leaves_nothing_and_is_made_later(
    on_postgres: LiveSite, made: Made, tmp_path: Path
) -> None:
    on_postgres.manage("migrate", "--verbosity", "0")
    on_postgres.manage("load_study", str(write_bundle(tmp_path / "large", slug="large", images=2, size=128)))
    for name in ("site.tar", "backups"):
        with pytest.raises(ServerError, match=r"the backup was not made: .*File too large"):
            on_postgres.python("-c", LIMITED, "20000", "backup", str(tmp_path / name))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backups", "large"]
    assert not list((tmp_path / "backups").glob("2*"))
    assert "objects" in on_postgres.manage("backup", str(tmp_path / "backups"))


@pytest.mark.parametrize(("moment", "count"), [("_dump_table", 9), ("_read", 3)])
def test_a_backup_that_is_killed_is_none_and_the_next_one_is_whole(
    bare: LiveSite, made: Made, tmp_path: Path, moment: str, count: int
) -> None:
    bare.manage("restore", str(made.tar), "--into-empty")
    killed(bare, moment, count, "backup", str(tmp_path / "backups"))
    assert not list((tmp_path / "backups").glob("*Z"))
    bare.manage("backup", str(tmp_path / "backups"))
    assert len(list((tmp_path / "backups").glob("2*"))) == 1


def test_an_old_database_comes_back_into_a_newer_harmony(bare: LiveSite, tmp_path: Path) -> None:
    # As it was before builds and reports: the tables of that time are made, filled and brought up to date.
    bare.manage("migrate", "--verbosity", "0", "analysis", "0001")
    bare.manage("migrate", "--verbosity", "0", "studies", "0004")
    bare.manage("migrate", "--verbosity", "0", "auth")
    bare.python(
        "-c", "import django; django.setup(); from studies.models import User; User.objects.create(username='old')"
    )
    bare.manage("migrate", "--verbosity", "0", "axes")
    bare.manage("backup", str(tmp_path / "old.tar"))
    with private_folder() as folder:
        newer = LiveSite(folder, None, 1)
        assert "studies.user: 1" in newer.manage("restore", str(tmp_path / "old.tar"), "--into-empty")
        assert "[ ]" not in newer.manage("showmigrations")
        assert users_in(newer) == 1
