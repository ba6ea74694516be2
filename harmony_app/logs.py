"""What the log looks like: lines for people, or a JSON object per line for programs. Nothing in it is personal.

Users are named by primary key alone. Every text is scrubbed (see `scrubbing.py`): what is logged here comes from many
packages, and exceptions repeat the values that they are about.
"""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harmony_app.log_context import CURRENT, request_fields
from harmony_app.scrubbing import scrubbed

if TYPE_CHECKING:
    from django.http import HttpRequest

ACCESS = "harmony.access"
# Fields that a line may bring along by `extra`.
EXTRA = ("method", "path", "status", "ms", "study", "build", "task", "task_id", "step")
FORMATS = ("plain", "json")
CLEAN = "harmony_is_clean"
_access = logging.getLogger(ACCESS)


def formatter(log_format: str) -> logging.Formatter:
    """Return what turns records into lines, by its name in `FORMATS`."""
    return JsonFormatter() if log_format == "json" else PlainFormatter()


def logging_settings(log_format: str, level: str) -> dict[str, Any]:
    """Return the settings of Python's logging, for `plain` or `json` lines on the standard error stream."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {log_format: {"()": "harmony_app.logs.formatter", "log_format": log_format}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": log_format}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"handlers": ["console"], "level": level, "propagate": False},
            # Four lines for every log-in that succeeds are of no use.
            "axes": {"level": "WARNING"},
            # Where credentials were found, with every new connection.
            "botocore": {"level": "WARNING"},
        },
    }


def access_line(request: "HttpRequest", status: int, milliseconds: float) -> None:
    """Write one line about a request: without its query, its body and whatever opens something by being known."""
    path = scrubbed(request.path)
    fields = {"method": request.method, "path": path, "status": status, "ms": round(milliseconds, 1)}
    # One for each request: what is clean need not be cleaned again.
    fields[CLEAN] = True
    _access.info("%s %s %s", request.method, path, status, extra=fields)


def unnamed_client(*_: object) -> str:
    """Stand for whoever fails to log in, in the lines of django-axes, which has name and address there otherwise."""
    return "a client"


class PlainFormatter(logging.Formatter):
    """A line for people, with the number of the request or the task in brackets."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name}: {belongs}{message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        known = _belonging(record)
        belongs = " ".join(str(known[name]) for name in ("request_id", "task_id") if name in known)
        record.belongs = f"[{belongs}] " if belongs else ""
        return scrubbed(super().format(record))


class JsonFormatter(logging.Formatter):
    """A JSON object per line: time (ISO, UTC), level, logger, message, what it belongs to, exception as text."""

    def format(self, record: logging.LogRecord) -> str:
        clean = str if record.__dict__.get(CLEAN, False) else scrubbed
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": clean(record.getMessage()),
            **_belonging(record),
        }
        for name in EXTRA:
            value = record.__dict__.get(name)
            if isinstance(value, str | int | float):
                line[name] = clean(value) if isinstance(value, str) else value
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = scrubbed(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = scrubbed(self.formatStack(record.stack_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def _belonging(record: logging.LogRecord) -> dict[str, Any]:
    context = CURRENT.get()
    if context is not None:
        return context.fields()
    # Django writes "Not Found" and its like when the middleware is through, and names the request.
    request = record.__dict__.get("request")
    if request is not None and hasattr(request, "resolver_match"):
        return {name: value for name, value in request_fields(request).items() if value not in ("", None)}
    # Celery's main process names a task where it receives one.
    data = record.__dict__.get("data")
    if isinstance(data, Mapping) and {"id", "name"} <= set(data):
        return {"task_id": data["id"], "task": data["name"]}
    return {}
