"""What workers tell, as it arrives: bounded, and of the right types, or dropped.

Whoever can write into the queue can write anything into it, and the database refuses some characters.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.utils import timezone

from studies.builds.log import LEVELS, Line

STATES = ("running", "done", "failed", "cancelled")
KINDS = ("input", "image", "passing", "fault")
MOST_EVENTS = 5000
MOST_LINES = 200
LARGEST = 2**31 - 1
LATEST = timedelta(days=30)
"""Clocks differ; what is farther off than this is no time."""


@dataclass(frozen=True)
class Event:
    """Something a worker did for one step of one attempt of a build. `at` is by the worker's clock."""

    build: UUID
    attempt: int
    step: str
    state: str
    worker: str
    at: datetime
    what: str = ""
    done: int = 0
    total: int = 0
    seconds: float | None = None
    error: str = ""
    kind: str = "fault"
    lines: tuple[Line, ...] = ()


def read_events(listed: object) -> list[Event]:
    """Read what was received; what is no event is left out."""
    if not isinstance(listed, list):
        return []
    return [event for one in listed[:MOST_EVENTS] if (event := read_event(one)) is not None]


def read_event(given: object) -> Event | None:
    """Read one event; None where it does not say which step it is about, and what happened."""
    if not isinstance(given, Mapping):
        return None
    key, attempt, state = given.get("build"), given.get("attempt"), given.get("state")
    step = given.get("step")
    if not isinstance(key, str) or not isinstance(step, str) or state not in STATES:
        return None
    if type(attempt) is not int or not 1 <= attempt <= LARGEST:
        return None
    try:
        build = UUID(key)
    except ValueError:
        return None
    worker = _text(given.get("worker"), 255)
    kind = given.get("kind")
    return Event(
        build=build,
        attempt=attempt,
        step=_text(step, 200),
        state=str(state),
        worker=worker,
        at=_time(given.get("at")),
        what=_text(given.get("what"), 300),
        done=_count(given.get("done")),
        total=_count(given.get("total")),
        seconds=_seconds(given.get("seconds")),
        error=_text(given.get("error"), 2000) or "nothing was said about the reason",
        kind=kind if isinstance(kind, str) and kind in KINDS else "fault",
        lines=_lines(given.get("lines"), worker),
    )


def _text(value: object, longest: int) -> str:
    if not isinstance(value, str):
        return ""
    whole = value[:longest].replace("\0", "").encode("utf-8", "replace")
    return whole.decode()


def _count(value: object) -> int:
    return min(max(value, 0), LARGEST) if type(value) is int else 0


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _seconds(value: object) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= LARGEST else None


def _time(value: object) -> datetime:
    now = timezone.now()
    number = _number(value)
    if number is None or abs(number - now.timestamp()) > LATEST.total_seconds():
        return now
    return datetime.fromtimestamp(number, UTC)


def _lines(value: object, worker: str) -> tuple[Line, ...]:
    if not isinstance(value, list):
        return ()
    read = []
    for entry in value[-MOST_LINES:]:
        if not isinstance(entry, list | tuple) or len(entry) != 3:
            continue
        level = entry[1].lower() if isinstance(entry[1], str) else ""
        if text := _text(entry[2], 1000).strip():
            read.append(Line(_time(entry[0]), worker, level if level in LEVELS else "info", text))
    return tuple(read)
