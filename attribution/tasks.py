"""Celery tasks over :mod:`attribution.pipeline`. The web side enqueues them by name and never imports this module."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import Task, shared_task

PROGRESS = "PROGRESS"


class _StateHandler(logging.Handler):
    """Makes each message the state of a task, so that whoever waits for the task can see how far it is."""

    def __init__(self, task: "Task[Any, Any]") -> None:
        super().__init__(logging.INFO)
        self.task = task

    def emit(self, record: logging.LogRecord) -> None:
        self.task.update_state(state=PROGRESS, meta={"message": record.getMessage()})


@contextmanager
def _reporting_progress(task: "Task[Any, Any]") -> Iterator[None]:
    """Report what the offline module logs as the state of ``task``."""
    logger = logging.getLogger("attribution")
    handler, level = _StateHandler(task), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@shared_task(bind=True, name="attribution.build", max_retries=2, default_retry_delay=0)
def build(self: "Task[Any, str]", config: str, out: str, resume: bool = False) -> str:
    """Build the bundle of the run config at path ``config`` in the folder ``out``; return the path of the bundle.

    Both paths are of the worker's machine. While it runs the state is ``PROGRESS`` with ``{"message": ...}``. A task
    whose process was killed is tried twice more, each time resuming where the last one stopped. Errors of the pipeline
    fail the task with their own text.
    """
    # torch takes seconds to import; the worker's parent process does without it.
    from attribution.pipeline import build as build_bundle

    delivery = self.request.delivery_info
    again = self.request.retries > 0 or (delivery is not None and bool(delivery.get("redelivered")))
    with _reporting_progress(self):
        bundle = build_bundle(
            Path(config), Path(out), resume=resume or again, device=os.environ.get("HARMONY_DEVICE", "auto")
        )
    return str(bundle)
