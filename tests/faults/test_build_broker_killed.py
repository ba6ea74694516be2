"""A Redis that is killed and loses every message, and the processes of the web side that read from it."""

import time

import pytest

from tests.faults.build_reference import Reference
from tests.faults.build_site import BuildSite, Redis, Run, held_tables, is_loading

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

AWAY_SECONDS = 2.0


def test_a_redis_that_is_killed_in_fine_tuning_and_among_chunks_loses_no_build(
    build_site: BuildSite, references: dict[str, Reference], broker: Redis
) -> None:
    build_site.pace(0.05)
    training = build_site.order("finetune", "middle", "hold")
    run = Run(build_site, references["small"])
    run.until_held(training)
    broker.kill()
    # The end of the fine-tuning is told to nobody.
    training.release()
    time.sleep(AWAY_SECONDS)
    broker.start()
    run.until_chunks(2)
    broker.kill()
    time.sleep(AWAY_SECONDS)
    broker.start()
    told = run.ends_right("kill -9 of Redis, all messages lost: in fine-tuning and among chunks")
    assert told["attempt"] == 1


def test_a_build_that_is_asked_for_while_redis_is_away_begins_once_it_is_back(
    build_site: BuildSite, references: dict[str, Reference], broker: Redis
) -> None:
    broker.kill()
    try:
        run = Run(build_site, references["small"])
        assert run.show()["state"] == "queued"
    finally:
        broker.start()
    run.ends_right("Redis is away when the build is asked for")


def test_the_web_sides_worker_is_killed_among_chunks_and_during_the_import(
    build_site: BuildSite, references: dict[str, Reference]
) -> None:
    build_site.pace(0.05)
    bundle = build_site.order("merge", "begun", "hold")
    run = Run(build_site, references["small"])
    run.until_chunks(1)
    build_site.kill("default")
    # Nobody hears what the worker tells meanwhile.
    time.sleep(AWAY_SECONDS)
    with held_tables(build_site.database_url):
        build_site.start("default")
        # There is no import before.
        bundle.release()
        run.until(is_loading, "the import has begun")
        build_site.kill("default")
    build_site.start("default")
    told = run.ends_right("kill -9 of worker-default among chunks and during the import")
    assert told["attempt"] == 1


def test_a_build_goes_on_without_beat(build_site: BuildSite, references: dict[str, Reference]) -> None:
    held = build_site.order("finetune", "begun", "hold")
    run = Run(build_site, references["small"])
    run.until_held(held)
    build_site.kill("beat")
    held.release()
    run.ends_right("kill -9 of beat; it stays away")
