"""Tasks carry the number of the request that asked for them, and the lines that they log carry it and their own."""

from contextvars import Token
from typing import Any

from celery.signals import before_task_publish, setup_logging, task_postrun, task_prerun

from harmony_app.log_context import CURRENT, Context, current_request_id

HEADER = "harmony_request_id"
# In a task's arguments, what says which build it is about.
BUILD_ARGUMENTS = ("build", "key")

_begun: dict[str, Token[Context | None]] = {}


def connect() -> None:
    """Listen to Celery's signals in this process."""
    before_task_publish.connect(_send_number, weak=False)
    task_prerun.connect(_begin, weak=False)
    task_postrun.connect(_end, weak=False)
    setup_logging.connect(_keep_logging, weak=False)


def _send_number(headers: dict[str, Any] | None = None, **_: object) -> None:
    number = current_request_id()
    if headers is not None and number:
        headers.setdefault(HEADER, number)


def _begin(task_id: str = "", task: Any = None, kwargs: Any = None, **_: object) -> None:
    given = kwargs or {}
    build = next((str(given[name]) for name in BUILD_ARGUMENTS if name in given), "")
    # Where a task runs in the process that calls it, the request is at hand, and nothing was sent.
    number = str(getattr(task.request, HEADER, None) or current_request_id())
    _begun[task_id] = CURRENT.set(Context(request_id=number, task_id=task_id, task=str(task.name), build=build))


def _end(task_id: str = "", **_: object) -> None:
    token = _begun.pop(task_id, None)
    if token is not None:
        CURRENT.reset(token)


def _keep_logging(**_: object) -> None:
    """Say that logging is set up: Django's settings hold for workers too, and Celery makes handlers of its own else."""
