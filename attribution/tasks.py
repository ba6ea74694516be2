"""Celery tasks over :mod:`attribution.pipeline`. The web side enqueues them by name and never imports this module."""

import os
import time
from pathlib import Path
from typing import Any

from celery import Task, shared_task

PROGRESS = "PROGRESS"


class _StateOfTask:
    """Makes progress the state of a task, so that whoever waits for it can see how far it is."""

    SECONDS_BETWEEN = 0.5

    def __init__(self, task: "Task[Any, Any]") -> None:
        self._task = task
        # The request is local to a thread; work may report from others.
        self._id = task.request.id
        self._what = ""
        self._told = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what != self._what or now - self._told >= self.SECONDS_BETWEEN:
            self._what, self._told = what, now
            meta = {"what": what, "done": done, "total": total}
            self._task.update_state(task_id=self._id, state=PROGRESS, meta=meta)


@shared_task(bind=True, name="attribution.build", max_retries=2, default_retry_delay=0)
def build(self: "Task[Any, str]", config: str, out: str, resume: bool = False) -> str:
    """Build the bundle of the run config at path ``config`` in the folder ``out``; return the path of the bundle.

    Both paths are of the worker's machine. While it runs the state is ``PROGRESS``, with what is being done, how many
    are done and the total: ``{"what": "decoding images", "done": 12, "total": 60}``. A task whose process was killed is
    tried twice more, each time resuming where the last one stopped. Errors of the pipeline fail it with their own text.
    """
    # torch takes seconds to import; the worker's parent process does without it.
    from attribution.pipeline import build as build_bundle

    delivery = self.request.delivery_info
    again = self.request.retries > 0 or (delivery is not None and bool(delivery.get("redelivered")))
    bundle = build_bundle(
        Path(config),
        Path(out),
        resume=resume or again,
        device=os.environ.get("HARMONY_DEVICE", "auto"),
        progress=_StateOfTask(self),
    )
    return str(bundle)
