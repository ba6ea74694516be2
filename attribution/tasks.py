"""Celery tasks over :mod:`attribution.jobs`. The web side enqueues them by name and never imports this module."""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from billiard import current_process
from billiard.exceptions import WorkerLostError
from celery import Task, current_app, shared_task
from celery.signals import task_failure, worker_process_shutdown
from kombu.exceptions import OperationalError

from attribution.full_queue import FullQueue
from attribution.jobs.carrying_out import Bench
from attribution.jobs.settings import make_bench, work_folder
from attribution.jobs.telling import Event, NotSentError
from attribution.last_words import LastWords

logger = logging.getLogger(__name__)

HEARD = "studies.builds.heard"
WEB_QUEUE = "default"
USUAL = ": too little memory is the usual reason"


class _Process:
    """The bench of this worker process, made at its first step: neither torch nor threads survive a fork."""

    def __init__(self) -> None:
        self._bench: Bench | None = None

    def bench(self, hostname: str) -> Bench:
        if self._bench is None:
            self._bench = make_bench(os.environ, _send, slot=f"{hostname}-{getattr(current_process(), 'index', 0)}")
        return self._bench

    @property
    def has_bench(self) -> bool:
        return self._bench is not None

    def close(self) -> None:
        if self._bench is not None:
            self._bench.teller.close()


_process = _Process()


@cache
def _web_queue(_process: int) -> FullQueue:
    return FullQueue(str(current_app.conf.broker_url), WEB_QUEUE)


def _send(events: list[Event]) -> None:
    # A web side that is away for a day would find Redis full of signs of life.
    if all(event["state"] == "running" for event in events) and _web_queue(os.getpid()).is_full():
        raise NotSentError(f"too many messages wait in the queue {WEB_QUEUE}")
    try:
        current_app.send_task(HEARD, kwargs={"events": events}, queue=WEB_QUEUE, retry=False, ignore_result=True)
    except OperationalError as error:
        raise NotSentError(str(error)) from error


@worker_process_shutdown.connect(weak=False)
def _tell_the_rest(**_: object) -> None:
    _process.close()


@task_failure.connect(weak=False)
def _tell_of_a_lost_process(
    exception: BaseException | None = None, kwargs: Mapping[str, Any] | None = None, **_: object
) -> None:
    """Tell, from the worker's parent process, of a step that has ended its process every time: nobody else can."""
    if not isinstance(exception, WorkerLostError) or not kwargs or "step" not in kwargs:
        return
    step = {name: kwargs[name] for name in ("build", "attempt", "step")}
    word = LastWords(work_folder(os.environ)).read(step["build"], step["attempt"], step["step"])
    last = "" if word is None else f", the last time in: {word}"
    # A program that ends by a fault of its own is told by another signal.
    usual = USUAL if word is None or "SIGKILL" in str(exception) else ""
    error = f"its process was ended each time that it was tried ({exception}){last}{usual}"
    signed = {"worker": f"the worker with process {os.getpid()}", "at": time.time()}
    with contextlib.suppress(NotSentError):
        _send([{**step, "state": "failed", "kind": "passing", "error": error, **signed}])


def _need_device() -> None:
    """End the worker, which gives the step back, where the device is gone that it was started for.

    A GPU can be lost until its machine is started again. Failing would be quick, so such a worker would soon have
    failed all that others are there for.
    """
    is_child = current_process().name != "MainProcess"
    if os.environ.get("HARMONY_DEVICE") != "cuda" or _process.has_bench or not is_child:
        return
    import torch

    if torch.cuda.is_available():
        return
    logger.critical(
        "HARMONY_DEVICE is cuda, and torch sees no CUDA device here: this worker ends; mend the GPU's driver or what "
        "the container may use, or set HARMONY_DEVICE=cpu"
    )
    os.kill(os.getppid(), signal.SIGTERM)
    # Until it is ended: a step that came to an end would be taken for done.
    while True:
        signal.pause()


def _carry_out(task: "Task[Any, None]", kind: str, step: dict[str, Any]) -> None:
    _need_device()
    bench = _process.bench(task.request.hostname or "worker")
    if bench.is_spoilt:
        # Nothing works on the device in this process. As with one that was killed, the step goes to the next.
        bench.teller.close()
        os.kill(os.getpid(), signal.SIGKILL)
    bench.carry_out(kind, **step)


# A task whose process was killed is tried twice more; after that the web side is told, and decides.
@shared_task(bind=True, name="attribution.plan", max_retries=2, default_retry_delay=0)
def plan(task: "Task[Any, None]", /, **step: Any) -> None:
    """Check a build's config, data and networks, and leave the list of its steps."""
    _carry_out(task, "plan", step)


@shared_task(bind=True, name="attribution.finetune", max_retries=2, default_retry_delay=0)
def finetune(task: "Task[Any, None]", /, **step: Any) -> None:
    """Fine-tune a condition; a killed one goes on from its last kept checkpoint."""
    _carry_out(task, "finetune", step)


@shared_task(bind=True, name="attribution.chunk", max_retries=2, default_retry_delay=0)
def chunk(task: "Task[Any, None]", /, **step: Any) -> None:
    """Score some images in one condition, before and after, and draw their maps."""
    _carry_out(task, "chunk", step)


@shared_task(bind=True, name="attribution.merge", max_retries=2, default_retry_delay=0)
def merge(task: "Task[Any, None]", /, **step: Any) -> None:
    """Put the bundle together."""
    _carry_out(task, "merge", step)
