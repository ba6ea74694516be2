"""The log of a GPU worker as JSON, an object per line, where ``LOG_FORMAT=json`` asks for it.

The fields are those of the web side: time (ISO, UTC), level, logger, message, and where there is a task task_id, task,
build and the request_id of whoever asked for it; exception as text.
"""

import json
import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from celery.signals import setup_logging, task_postrun, task_prerun

from attribution.errors import InputError
from attribution.printable import without_secrets

FORMATS = ("plain", "json")
_TASK: ContextVar[Mapping[str, str] | None] = ContextVar("attribution_task", default=None)


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
            **(_TASK.get() or _received(record)),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def log_as_asked(environ: Mapping[str, str]) -> None:
    """Let workers of this process write their log in the format of ``LOG_FORMAT``. InputError for an unknown one."""
    chosen = environ.get("LOG_FORMAT", "").lower() or "plain"
    if chosen not in FORMATS:
        raise InputError(f"LOG_FORMAT={chosen!r}: use one of {', '.join(FORMATS)}")
    if chosen == "json":
        setup_logging.connect(_set_up, weak=False)
        task_prerun.connect(_begin, weak=False)
        task_postrun.connect(_end, weak=False)


def _set_up(loglevel: int | str = logging.INFO, **_: object) -> None:
    # Celery leaves the log alone where somebody listens to this signal.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    # Without --loglevel Celery keeps what is of use to itself; steps are told at INFO.
    root.setLevel(min(logging.INFO, loglevel) if isinstance(loglevel, int) else loglevel)


def _begin(task_id: str = "", task: Any = None, kwargs: Any = None, **_: object) -> None:
    known = {
        "task_id": task_id,
        "task": str(task.name),
        "build": str((kwargs or {}).get("build", "")),
        "request_id": str(getattr(task.request, "harmony_request_id", None) or ""),
    }
    _TASK.set({name: value for name, value in known.items() if value})


def _end(**_: object) -> None:
    _TASK.set(None)


def _received(record: logging.LogRecord) -> dict[str, str]:
    """Return what Celery's main process says of a task that it receives."""
    data = record.__dict__.get("data")
    if isinstance(data, Mapping) and {"id", "name"} <= set(data):
        return {"task_id": str(data["id"]), "task": str(data["name"])}
    return {}
