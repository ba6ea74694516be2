"""Two workers on everything: which of them did a step, and how often it was done, makes no difference."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from harmony_app.tests.servers import until
from tests.faults.build_reference import Reference
from tests.faults.build_site import BuildSite, Run

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@pytest.fixture
def two_workers(build_site: BuildSite) -> Iterator[BuildSite]:
    """A site with two GPU workers, to which every step is sent twice, and given again after a second."""
    build_site.kill("gpu1")
    build_site.add_worker("gpu2", HARMONY_TEST_VISIBILITY="1")
    build_site.add_worker("gpu3", HARMONY_TEST_VISIBILITY="1")
    (build_site.faults / "twice").touch()
    for name in ("gpu2", "gpu3"):
        build_site.start(name)
    for name in ("gpu2", "gpu3"):
        until(build_site.processes[name], partial(says_ready, build_site.folder / f"{name}.log"))
    yield build_site
    for name in ("gpu2", "gpu3"):
        build_site.kill(name)
        del build_site.processes[name]


def says_ready(log: Path) -> bool:
    return " ready." in log.read_text()


def test_steps_that_two_workers_do_at_the_same_time_come_out_the_same(
    two_workers: BuildSite, references: dict[str, Reference]
) -> None:
    two_workers.pace(0.05)
    run = Run(two_workers, references["small"])
    told = run.ends_right("two workers, every step sent twice and given again after 1 s")
    assert told["attempt"] == 1
    done = Counter(two_workers.carried_out("finetune") + two_workers.carried_out("chunk"))
    assert max(done.values()) > 1
