"""What quality rules look at: the answers of one annotator."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TIMEOUT = "timeout"
NO_PREFERENCE = frozenset({"neither", "equal", "both_bad"})


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a trial that is not a practice trial, as it counts now.

    `given` is the slot and `choice` what it stands for. `expected` is the right choice of a catch trial; `earlier` the
    choice that a repeat is held against, None while there is none. `absences` counts how often the page lost the focus.
    """

    kind: str
    given: str
    choice: str
    rt_ms: float
    expected: str = ""
    earlier: str | None = None
    absences: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """The answers in the order of their trials, and the seconds from the first trial given out to the last answer."""

    answers: tuple[Answer, ...]
    seconds: float = 0.0

    @property
    def in_time(self) -> tuple[Answer, ...]:
        """The answers without those that came too late."""
        return tuple(answer for answer in self.answers if answer.given != TIMEOUT)


def is_expected(choice: str | None, expected: str) -> bool:
    """Whether a choice is right; where `neither` is expected, every one that prefers no map is."""
    return choice in NO_PREFERENCE if expected == "neither" else choice == expected


def absences_of(timing: Mapping[str, Any]) -> int:
    """Return how often the page lost the focus during a trial: how often it was hidden or left, whichever is more.

    Going to another tab is both. A browser may send anything; what is no count is none.
    """
    counts = [timing.get(name) for name in ("hidden", "blurred")]
    return max([count for count in counts if type(count) is int and count > 0], default=0)
