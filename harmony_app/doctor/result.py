"""What a check finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Result:
    """One finding, in words without secrets; `remedy` says what to do where it is not ok."""

    state: State
    text: str
    remedy: str = ""


Check = Callable[[], Iterator[Result]]


def ok(text: str) -> Result:
    return Result(State.OK, text)


def warn(text: str, remedy: str) -> Result:
    return Result(State.WARN, text, remedy)


def fail(text: str, remedy: str) -> Result:
    return Result(State.FAIL, text, remedy)
