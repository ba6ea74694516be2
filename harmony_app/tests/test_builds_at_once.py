"""Several machines look after the same builds, on a real PostgreSQL."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from harmony_app.tests.servers import ROOT, Postgres

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


Run = Callable[..., str]


@pytest.fixture(scope="module")
def run(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run Python on a database with its tables made; returns what it printed."""
    environment = {
        **os.environ,
        "DATABASE_URL": postgres.new_database(),
        "SECRET_KEY": "a-secret-for-tests-only-" * 3,
        "DJANGO_SETTINGS_MODULE": "harmony_app.settings",
        "CELERY_BROKER_URL": "memory://",
        "HARMONY_BUILD_WORKER": "true",
        "LOG_LEVEL": "ERROR",
    }

    def python(*arguments: str) -> str:
        folder = {"HARMONY_DATA_DIR": str(tmp_path_factory.mktemp("site"))}
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=ROOT, env={**environment, **folder}, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    python("manage.py", "migrate", "--verbosity", "0")
    return python


@pytest.mark.parametrize("scenario", ["ticks", "ends", "asks", "imports", "cancels"])
def test_the_database_decides_what_happens_once(run: Run, scenario: str) -> None:
    assert run("-m", "studies.tests.builds_at_once", scenario).strip().endswith("as it should be")
