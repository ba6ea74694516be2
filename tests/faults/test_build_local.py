"""Builds without workers: the process that does one and its child, killed in the middle."""

import os
import signal
from collections.abc import Iterator

import pytest

from harmony_app.tests.servers import private_folder
from tests.faults.build_reference import Reference
from tests.faults.build_site import BuildSite, Run
from tests.faults.test_build_poison import poison

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def _local_site() -> Iterator[BuildSite]:
    with private_folder() as folder:
        database = f"sqlite:///{folder / 'harmony.sqlite3'}"
        # A child that is gone is noticed at once, and one that is slow to load torch is to be left alone.
        patient = {"HARMONY_TEST_SILENT": "120"}
        site = BuildSite(folder, database, {"CELERY_BROKER_URL": "", "HARMONY_BUILD_WORKER": "false", **patient})
        site.migrate()
        yield site
        site.stop()


@pytest.fixture
def local_site(_local_site: BuildSite) -> BuildSite:
    """A site on SQLite that does its builds in a process of its own."""
    _local_site.clear()
    return _local_site


@pytest.mark.parametrize("kind", ["finetune", "chunk"])
def test_a_child_that_is_killed_is_started_again(
    local_site: BuildSite, references: dict[str, Reference], kind: str
) -> None:
    fault = local_site.order(kind, "middle", "kill")
    run = Run(local_site, references["small"])
    told = run.ends_right(f"local build: kill -9 of the child in a step of kind {kind}")
    assert fault.is_struck
    assert (told["attempt"], sum(step["losses"] for step in told["steps"])) == (1, 1)


@pytest.mark.parametrize("kind", ["finetune", "chunk"])
def test_a_build_whose_process_is_killed_stands_still_until_it_is_resumed(
    local_site: BuildSite, references: dict[str, Reference], kind: str
) -> None:
    held = local_site.order(kind, "middle", "hold")
    run = Run(local_site, references["small"])
    run.until_held(held)
    os.kill(run.show()["pid"], signal.SIGKILL)
    run.until(lambda told: told["is_stalled"], "the build is known to stand still")
    # The child of the dead process goes on beside the new one.
    run.retry()
    held.release()
    told = run.ends_right(f"local build: kill -9 of run_build ({kind})", "stands still; the retry goes on")
    assert told["attempt"] == 2


def test_an_image_that_kills_the_child_fails_its_build_after_four_tries(
    local_site: BuildSite, references: dict[str, Reference]
) -> None:
    small = references["small"]
    poison(small, "kill")
    try:
        run = Run(local_site, small)
        error = run.until_in("failed")["error"]
    finally:
        small.poison.unlink()
    assert "whoever did it was gone 4 times" in error
    assert "images " in error
    tries = local_site.carried_out("chunk")
    assert max(tries.count(output) for output in tries) == 4
    run.retry()
    run.ends_right("local build: an image that kills the child", "fails after 4 tries; the retry goes on")
