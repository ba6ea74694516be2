"""Builds through an S3 server that is away for some seconds."""

import time
from collections.abc import Iterator

import pytest

from harmony_app.tests.object_storage import running_object_storage
from harmony_app.tests.servers import Postgres, private_folder
from tests.faults.build_door import Door, door_to
from tests.faults.build_reference import Reference
from tests.faults.build_site import BuildSite, Redis, Run, is_left, working_site

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

# Less than all the tries of a step take.
AWAY_SECONDS = 4.0


@pytest.fixture(scope="module")
def _bucket() -> Iterator[tuple[Door, dict[str, str]]]:
    with running_object_storage() as storage, door_to(storage.port) as door:
        yield door, {**storage.environment, "HARMONY_BUILDS_URL": storage.url, "AWS_ENDPOINT_URL": door.url}


@pytest.fixture(scope="module")
def _bucket_site(durable_postgres: Postgres, _bucket: tuple[Door, dict[str, str]]) -> Iterator[BuildSite]:
    _, environment = _bucket
    with private_folder() as folder:
        redis = Redis(folder)
        redis.start()
        with working_site(durable_postgres.new_database(), redis, **environment) as site:
            yield site
        redis.kill()


@pytest.fixture
def bucket_site(_bucket_site: BuildSite) -> BuildSite:
    """A site whose builds are done by workers, through a bucket."""
    _bucket_site.clear()
    return _bucket_site


@pytest.fixture
def door(_bucket: tuple[Door, dict[str, str]]) -> Door:
    return _bucket[0]


def test_a_storage_that_is_away_for_seconds_holds_a_build_up_and_no_more(
    bucket_site: BuildSite, references: dict[str, Reference], door: Door
) -> None:
    held = bucket_site.order("finetune", "middle", "hold")
    bucket_site.pace(0.05)
    run = Run(bucket_site, references["small"])
    run.until_held(held)
    door.shut()
    held.release()
    time.sleep(AWAY_SECONDS)
    door.open_again()
    run.until_chunks(2)
    door.shut()
    time.sleep(AWAY_SECONDS)
    door.open_again()
    told = run.ends_right(f"S3 server away for {AWAY_SECONDS:.0f} s: in fine-tuning and among chunks")
    assert told["attempt"] == 1


def test_a_bucket_that_is_away_while_a_build_is_cancelled_is_told_later(
    bucket_site: BuildSite, references: dict[str, Reference], door: Door
) -> None:
    held = bucket_site.order("chunk", "middle", "hold")
    run = Run(bucket_site, references["small"])
    run.until_held(held)
    door.shut()
    run.cancel()
    time.sleep(2)
    door.open_again()
    run.until(is_left, "the worker is told")
    held.release()
    run.retry()
    told = run.ends_right("S3 server away while a build is cancelled", "the worker is told once it is back; resumed")
    assert told["attempt"] == 2
