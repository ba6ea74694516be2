"""Signs of life of Celery workers: each keeps a key in Redis that vanishes when the worker does.

    harmony:worker:<hostname>   JSON: name, queues, device, pid, started (ISO, UTC); expires
    harmony:workers             the set of hostnames, so that nobody has to search Redis for them

Asking workers themselves (Celery's ``inspect``) takes a second or more, and a busy one does not answer. Neither torch
nor Django is needed here, so the workers of both halves call :func:`show_signs`.
"""

import atexit
import contextlib
import json
import logging
import os
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from celery import Celery
from celery.signals import worker_ready, worker_shutdown

if TYPE_CHECKING:
    import redis

logger = logging.getLogger(__name__)

KEY = "harmony:worker:"
NAMES = "harmony:workers"
SECONDS_BETWEEN = 10.0
# Two signs may be late before a worker counts as gone.
EXPIRES_SECONDS = 35
ANSWER_SECONDS = 2.0


def redis_client(url: str, seconds: float = ANSWER_SECONDS) -> "redis.Redis | None":
    """Return a client of the broker that gives up after so many seconds; None where the broker is no Redis."""
    if url.partition(":")[0] not in {"redis", "rediss", "unix"}:
        return None
    # It takes a tenth of a second to load, and a process without a broker never needs it.
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )


class WorkerSigns:
    """Writes the signs of one worker, in a thread of its own: a worker that computes shows them as well."""

    def __init__(self, url: str, sign: Mapping[str, Any], seconds_between: float = SECONDS_BETWEEN) -> None:
        self.pid = os.getpid()
        self._client = redis_client(url)
        self._sign = sign
        self._seconds_between = seconds_between
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worker-signs", daemon=True)

    def start(self) -> None:
        if self._client is None:
            logger.info("the broker is no Redis, so this worker is not seen by the health page and the metrics")
            return
        self._thread.start()

    def stop(self) -> None:
        """Take the sign back, so that a worker that ends in order is gone at once."""
        self._is_over.set()
        if self._client is None:
            return
        from redis import RedisError

        self._thread.join(timeout=2 * ANSWER_SECONDS)
        # Where Redis is away, the key expires.
        with contextlib.suppress(RedisError):
            self._client.delete(KEY + str(self._sign["name"]))
            self._client.srem(NAMES, str(self._sign["name"]))
        self._client.close()

    def _run(self) -> None:
        was_written = True
        while True:
            is_written = self._write()
            if is_written != was_written:
                # Said once, not every ten seconds.
                logger.warning("this worker is %s by Redis", "seen again" if is_written else "not seen")
            was_written = is_written
            if self._is_over.wait(self._seconds_between):
                return

    def _write(self) -> bool:
        from redis import RedisError

        assert self._client is not None
        name = str(self._sign["name"])
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                pipeline.set(KEY + name, json.dumps(dict(self._sign)), ex=EXPIRES_SECONDS)
                pipeline.sadd(NAMES, name)
                pipeline.execute()
        except RedisError:
            return False
        return True


def show_signs(app: Celery) -> None:
    """Let the workers of this Celery app show that they are there, from the moment they take tasks until they end."""
    running: dict[str, WorkerSigns] = {}

    def begin(sender: Any = None, **_: object) -> None:
        # The signals are those of the process, in which another app may have a worker, as in tests.
        if sender is None or sender.app is not app or "signs" in running:
            return
        queues = sorted(app.amqp.queues.consume_from)
        running["signs"] = WorkerSigns(
            str(app.conf.broker_url),
            {
                "name": str(sender.hostname),
                "queues": queues,
                "device": os.environ.get("HARMONY_DEVICE", "auto") if "gpu" in queues else "",
                "pid": os.getpid(),
                "started": datetime.now(UTC).isoformat(timespec="seconds"),
            },
        )
        running["signs"].start()
        # Celery says nothing of a worker that does not wait for its step when it ends.
        atexit.register(end)

    def end(**_: object) -> None:
        signs = running.pop("signs", None)
        # A process that the worker has forked has these too.
        if signs is not None and signs.pid == os.getpid():
            signs.stop()

    # Celery holds receivers weakly unless it is told not to.
    worker_ready.connect(begin, weak=False)
    worker_shutdown.connect(end, weak=False)
