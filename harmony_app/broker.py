"""What lies in the broker: asked with short time limits, as pages wait for it."""

import threading
from typing import TYPE_CHECKING

from django.conf import settings

from attribution.worker_signs import redis_client

if TYPE_CHECKING:
    import redis

ANSWER_SECONDS = 1.5
QUEUES = ("default", "reports", "gpu")
# Where Celery keeps, in Redis, what workers have taken and not finished.
UNACKNOWLEDGED = "unacked"

_lock = threading.Lock()
_clients: dict[str, "redis.Redis"] = {}


def client() -> "redis.Redis | None":
    """Return the broker's client of this process; None without a broker, or with one that is no Redis."""
    url = settings.CELERY_BROKER_URL
    if not url:
        return None
    with _lock:
        if url not in _clients:
            made = redis_client(url, ANSWER_SECONDS)
            if made is None:
                return None
            _clients[url] = made
        return _clients[url]


def queue_lengths() -> dict[str, int]:
    """Return how many tasks wait in each queue, and under `unacked` how many are with workers; {} without a broker.

    Raises redis.RedisError where it does not answer.
    """
    asked = client()
    if asked is None:
        return {}
    with asked.pipeline(transaction=False) as pipeline:
        for queue in QUEUES:
            pipeline.llen(queue)
        pipeline.hlen(UNACKNOWLEDGED)
        lengths = pipeline.execute()
    return dict(zip([*QUEUES, UNACKNOWLEDGED], (int(length) for length in lengths), strict=True))
