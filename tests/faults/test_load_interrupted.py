"""Loading a bundle while the database stops, or the process is killed: nothing is there, and it loads once more."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harmony_app.tests.servers import LiveSite, Postgres
from studies.tests.bundles import write_bundle

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

# Loads a bundle, and at one moment says so and waits until it is told to go on.
LOADER = """
import sys, time
from pathlib import Path
import django
django.setup()
from studies.services import bulk_rows, bundle_rows, loading

bundle, moment, reached, go_on = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])

def wait():
    if not reached.exists():
        reached.touch()
        while not go_on.exists():
            time.sleep(0.05)

def after(function):
    def call(*arguments, **named):
        result = function(*arguments, **named)
        wait()
        return result
    return call

if moment == "copying":
    # Some rows are with the server, which waits for more of them.
    bulk_rows._CopyText.read = after(bulk_rows._CopyText.read)
elif moment == "between":
    bundle_rows._insert_images = after(bundle_rows._insert_images)
else:
    loading._write = after(loading._write)
loading.load_bundle(folder=bundle)
"""
COUNT = """
import django
django.setup()
from studies.models import Condition, Image, Pair, Picture, Study, Trial
print([model.objects.count() for model in (Study, Picture, Condition, Image, Pair, Trial)])
"""
MOMENTS = ["copying", "between", "before the commit"]


@pytest.fixture
def site(durable_postgres: Postgres, tmp_path: Path) -> LiveSite:
    """A site with its tables made, which serves nothing."""
    made = LiveSite(tmp_path, durable_postgres.new_database(), 1)
    made.manage("migrate", "--verbosity", "0")
    return made


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle", slug="whole", images=4, size=8)


class Loading:
    """A process that loads a bundle and waits at a moment; its temporary files are in a folder of their own."""

    def __init__(self, site: LiveSite, bundle: Path, moment: str, folder: Path) -> None:
        self.go_on = folder / "go-on"
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        reached = folder / "reached"
        self.process = subprocess.Popen(
            [sys.executable, "-c", LOADER, str(bundle), moment, str(reached), str(self.go_on)],
            env={**os.environ, **site.environment, "TMPDIR": str(self.temporary)},
            stderr=subprocess.PIPE,
            text=True,
        )
        while not reached.exists():
            assert self.process.poll() is None, self.process.communicate()[1]
            time.sleep(0.05)

    def end(self) -> str:
        """Let it go on; returns what it said at its end."""
        self.go_on.touch()
        return self.process.communicate(timeout=60)[1]


def nothing_is_there_and_it_loads(site: LiveSite, bundle: Path) -> None:
    assert site.python("-c", COUNT) == "[0, 0, 0, 0, 0, 0]\n"
    assert "whole: loaded (4 conditions, 4 images, 16 trials)" in site.manage("load_study", str(bundle))
    assert site.python("-c", COUNT) == "[1, 28, 4, 4, 16, 16]\n"
    assert site.manage("check_study", "whole", "--pictures") == "whole: consistent\n"


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_database_that_stops_at_once_keeps_nothing_of_a_bundle(
    site: LiveSite, durable_postgres: Postgres, bundle: Path, tmp_path: Path, moment: str
) -> None:
    loading = Loading(site, bundle, moment, tmp_path)
    durable_postgres.stop(is_immediate=True)
    durable_postgres.start()
    assert "OperationalError" in loading.end()
    assert loading.process.returncode == 1
    nothing_is_there_and_it_loads(site, bundle)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_process_that_is_killed_leaves_nothing_of_a_bundle(
    site: LiveSite, bundle: Path, tmp_path: Path, moment: str
) -> None:
    loading = Loading(site, bundle, moment, tmp_path)
    loading.process.send_signal(signal.SIGKILL)
    loading.process.communicate(timeout=60)
    assert list(loading.temporary.iterdir()) == []
    nothing_is_there_and_it_loads(site, bundle)
