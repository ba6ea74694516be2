"""How full a study is, and when it may be done: plain functions of counts and times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

PAUSE = timedelta(minutes=30)
"""A longer time without any answer is not counted as work."""
LEAST_ANSWERS = 20
LEAST_WORK = timedelta(minutes=10)
LEAST_SPAN = timedelta(days=1)
WINDOW = timedelta(days=7)


@dataclass(frozen=True)
class Fill:
    """Answers that are wanted, given, and under way (given out, not answered yet)."""

    answered: int
    live: int
    wanted: int

    @property
    def percent(self) -> int:
        """Whole per cent, rounded down: 100 only when all are given, or none is wanted."""
        return 100 * min(self.answered, self.wanted) // self.wanted if self.wanted else 100

    @property
    def remaining(self) -> int:
        return max(0, self.wanted - self.answered)

    @property
    def is_full(self) -> bool:
        return self.remaining == 0


@dataclass(frozen=True)
class Projection:
    """How fast answers came lately, and what follows for the rest.

    `hourly` is answers per hour while people were at work, `work_left` the remaining answers at that pace. `finish` is
    when they would be there at the pace of the past days with all pauses; None where that is less than a day of data.
    """

    hourly: float
    work_left: timedelta
    answers: int
    span: timedelta
    finish: datetime | None


def project(times: Sequence[datetime], *, remaining: int, now: datetime) -> Projection | None:
    """Return the projection from the times of the latest answers, in any order; None: too few to say.

    Only the last seven days are looked at. Too few are less than twenty answers, or less than ten minutes of work.
    """
    recent = sorted(time for time in times if now - WINDOW <= time <= now)
    if len(recent) < LEAST_ANSWERS:
        return None
    gaps = [later - earlier for earlier, later in pairwise(recent)]
    worked = [gap for gap in gaps if gap <= PAUSE]
    work = sum(worked, timedelta())
    if work < LEAST_WORK:
        return None
    hourly = len(worked) / (work / timedelta(hours=1))
    span = now - recent[0]
    finish = now + span * (remaining / len(recent)) if span >= LEAST_SPAN else None
    return Projection(hourly, timedelta(hours=remaining / hourly), len(recent), span, finish)
