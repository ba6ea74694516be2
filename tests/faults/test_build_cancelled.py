"""A build that is cancelled in every state it can be in, and goes on each time."""

import os
import signal

import pytest

from tests.faults.build_reference import Reference
from tests.faults.build_site import BuildSite, Run, held_tables, is_left, is_loading

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


def test_a_build_that_is_cancelled_in_every_state_goes_on_to_the_same_bundle(
    build_site: BuildSite, references: dict[str, Reference]
) -> None:
    worker = build_site.processes["gpu1"].process
    assert worker is not None
    os.kill(worker.pid, signal.SIGSTOP)
    run = Run(build_site, references["small"])
    assert run.show()["state"] == "queued"
    run.cancel()
    assert run.show()["state"] == "cancelled"
    os.kill(worker.pid, signal.SIGCONT)
    for kind in ("plan", "finetune", "chunk", "merge"):
        held = build_site.order(kind, "begun" if kind == "plan" else "middle", "hold")
        run.retry()
        run.until_held(held)
        run.cancel()
        # The worker is told, and does not stay with what nobody wants any more.
        run.until(is_left, "the worker is told")
        assert run.show()["state"] == "cancelled"
    with held_tables(build_site.database_url):
        run.retry()
        run.until(is_loading, "the import has begun")
        run.cancel()
    told = run.until(lambda told: told["state"] == "cancelled", "it stays cancelled")
    assert told["study"] is None
    run.retry()
    what = "queued, checking, fine-tuning, chunks, bundle, importing: it goes on each time"
    told = run.ends_right("cancelled in every state", what)
    assert told["attempt"] == 7
    outputs = build_site.carried_out("finetune")
    # Only what was held up is done twice.
    assert len(outputs) == len(set(outputs)) + 1


def test_a_build_that_is_cancelled_stops_its_worker(build_site: BuildSite, references: dict[str, Reference]) -> None:
    build_site.pace(1.0)
    run = Run(build_site, references["small"])
    run.until(lambda told: build_site.carried_out("finetune"), "fine-tuning has begun")
    run.cancel()
    # It takes orders for another build long before the 40 s that it would have gone on for.
    other = Run(build_site, references["other"])
    build_site.pace(0.0)
    other.ends_right("cancelled in fine-tuning, and another build asked for", "the worker leaves it")
    run.retry()
    run.ends_right("cancelled in fine-tuning", "resumed after another build")
