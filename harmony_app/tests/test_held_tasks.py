"""What a worker holds stays with it, whoever else uses the same Redis."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from kombu import Connection, Queue

HOURS = 3600


@pytest.fixture
def own_database(redis_url: str) -> Iterator[str]:
    """A database of the broker in which nobody else has anything."""
    url = redis_url.rpartition("/")[0] + "/11"
    with contextlib.closing(redis.Redis.from_url(url)) as client:
        client.flushdb()
        yield url
        client.flushdb()


def held_for(url: str, seconds: float) -> None:
    """Let a GPU worker have taken a step so long ago, and not be done with it."""
    channel: Any
    with Connection(url) as connection, connection.channel() as channel:
        connection.SimpleQueue("gpu", channel=channel).put({"step": "finetune"})
        assert Queue("gpu")(channel).get(no_ack=False) is not None
        with contextlib.closing(redis.Redis.from_url(url)) as client:
            client.zincrby("unacked_index", -seconds, str(channel.qos._delivered.popitem()[0]))
        # Taken out, it is not given back where the connection ends, as of a worker that is still at work.


@pytest.mark.parametrize(("hours", "waiting"), [(20, 0), (25, 1)])
def test_the_web_sides_worker_hands_out_again_only_what_a_gpu_worker_has_held_for_a_day(
    own_database: str, hours: int, waiting: int
) -> None:
    held_for(own_database, hours * HOURS)
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    channel: Any
    with Connection(own_database, transport_options=options) as connection, connection.channel() as channel:
        channel.qos.restore_visible(num=10, interval=1)
    with contextlib.closing(redis.Redis.from_url(own_database)) as client:
        assert client.llen("gpu") == waiting
