"""Which workers show signs of life (see `attribution.worker_signs`)."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from attribution.worker_signs import KEY, NAMES
from harmony_app import broker

# More are not looked at: a page waits for it.
MOST = 1000


@dataclass(frozen=True)
class Worker:
    """A worker: the queues that it serves, the device if it has one, and since when it runs."""

    name: str
    queues: tuple[str, ...]
    device: str
    pid: int
    started: datetime


def workers_seen() -> list[Worker]:
    """Return the workers that gave a sign in the last half minute, by name; none without a broker that answers."""
    if broker.client() is None:
        return []
    # Loaded by the client, where there is one.
    from redis import RedisError

    try:
        return workers_read()
    except RedisError:
        return []


def workers_read() -> list[Worker]:
    """Return the same; raises redis.RedisError where the broker does not answer."""
    asked = broker.client()
    if asked is None:
        return []
    names = sorted(str(name) for name in asked.srandmember(NAMES, MOST) or [])
    if not names:
        return []
    signs = asked.mget([KEY + name for name in names])
    gone = [name for name, sign in zip(names, signs, strict=True) if sign is None]
    if gone:
        # They come back with their next sign, should they only have been late.
        asked.srem(NAMES, *gone)
    return [worker for sign in signs if sign is not None and (worker := _worker(str(sign))) is not None]


def _worker(sign: str) -> Worker | None:
    """Return what a sign says; None for one that another version of Harmony wrote in another way."""
    try:
        told = json.loads(sign)
        return Worker(
            name=str(told["name"]),
            queues=tuple(str(queue) for queue in told["queues"]),
            device=str(told["device"]),
            pid=int(told["pid"]),
            started=datetime.fromisoformat(told["started"]).astimezone(UTC),
        )
    except (ValueError, KeyError, TypeError):
        return None
