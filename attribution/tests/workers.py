"""A Celery worker as a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

from celery import Celery

ROOT = Path(__file__).resolve().parents[2]


def wait_until(happened: Callable[[], object], what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.02)


class Heard:
    """What workers tell the web side, read from its queue."""

    def __init__(self, client: Celery) -> None:
        self._client = client
        self.events: list[dict[str, Any]] = []

    def listen(self) -> None:
        """Take what has come in."""
        with self._client.connection_for_read() as connection, connection.SimpleQueue("default") as queue:
            while True:
                try:
                    message = queue.get(block=False)
                except Empty:
                    return
                _, kwargs, _ = message.payload
                assert message.headers["task"] == "studies.builds.heard"
                self.events += kwargs["events"]
                message.ack()

    def ended(self, step: str, seconds: float = 120) -> dict[str, Any]:
        """The event in which a step ended."""
        found: list[dict[str, Any]] = []

        def is_there() -> bool:
            self.listen()
            found.extend(event for event in self.events if event["step"] == step and event["state"] != "running")
            return bool(found)

        wait_until(is_there, f"{step} ends", seconds)
        return found[0]


@contextmanager
def running_worker(app: str, redis_url: str, log: Path, **environ: str) -> Iterator["subprocess.Popen[bytes]"]:
    """``celery --app <app> worker`` on the queue of `redis_url`, ready inside the block and gone after it."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "--app", app, "worker"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"),
            ],
            cwd=ROOT,
            env=os.environ | {"CELERY_BROKER_URL": redis_url, "HARMONY_DEVICE": "cpu"} | environ,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until(lambda: process.poll() is not None or "ready." in log.read_text(), "the worker is ready")
            assert process.poll() is None, log.read_text()
            yield process
        finally:
            process.terminate()
            process.wait(timeout=120)
