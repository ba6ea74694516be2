"""Whether the web side takes in what workers tell it. Redis keeps every message until somebody does."""

import time

from attribution.worker_signs import redis_client

MOST_WAITING = 2000
"""So many messages take the web side some seconds. It is away, or late, when more of them wait."""
LOOK_SECONDS = 5.0


class FullQueue:
    """Looks every few seconds at most how many messages wait in a queue; without Redis, none do."""

    def __init__(self, url: str, queue: str) -> None:
        self._client = redis_client(url)
        self._queue = queue
        self._looked_at = -LOOK_SECONDS
        self._is_full = False

    def is_full(self) -> bool:
        """Whether too many messages wait, as far as is known."""
        if self._client is None or time.monotonic() - self._looked_at < LOOK_SECONDS:
            return self._is_full
        from redis import RedisError

        self._looked_at = time.monotonic()
        try:
            self._is_full = self._client.llen(self._queue) > MOST_WAITING
        except RedisError:
            # Sending shows it, and says so.
            self._is_full = False
        return self._is_full
