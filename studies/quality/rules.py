"""What each quality rule measures: pure functions of an annotator's answers.

Each returns the value and how many observations it rests on. Without an observation there is no value.
"""

from itertools import groupby
from statistics import median
from typing import NamedTuple

from studies.protocol.spec import QualityRule
from studies.quality.observed import NO_PREFERENCE, Session, is_expected


class Measured(NamedTuple):
    """A value, and the number of observations behind it."""

    value: float
    observations: int


def catch_accuracy(session: Session, rule: QualityRule) -> Measured | None:
    """The share of catch trials that were answered as expected. One that was not answered in time is not right."""
    return _share([is_expected(one.choice, one.expected) for one in session.answers if one.kind == "catch"])


def repeat_consistency(session: Session, rule: QualityRule) -> Measured | None:
    """The share of repeats with the same choice as the first time; without those too late at either time."""
    pairs = [(one.choice, one.earlier) for one in session.in_time if one.kind == "repeat"]
    return _share([choice == earlier for choice, earlier in pairs if earlier not in (None, "timeout")])


def total_seconds(session: Session, rule: QualityRule) -> Measured | None:
    """The seconds from the first trial that was given out to the last answer, by the server's clock."""
    return Measured(session.seconds, len(session.answers)) if session.answers else None


def median_rt_ms(session: Session, rule: QualityRule) -> Measured | None:
    """The median reaction time in milliseconds, without answers that came too late."""
    times = [answer.rt_ms for answer in session.in_time]
    return Measured(median(times), len(times)) if times else None


def fast_share(session: Session, rule: QualityRule) -> Measured | None:
    """The share of answers that came in less than `fast_ms`."""
    return _share([answer.rt_ms < rule.fast_ms for answer in session.in_time])


def longest_run(session: Session, rule: QualityRule) -> Measured | None:
    """The most answers in a row with the same slot. An answer that came too late ends a run."""
    runs = [len(list(run)) for given, run in groupby(answer.given for answer in session.answers) if given != "timeout"]
    return Measured(max(runs), len(session.in_time)) if runs else None


def neither_share(session: Session, rule: QualityRule) -> Measured | None:
    """The share of answers that prefer no map, among all but the catch trials."""
    return _share([answer.choice in NO_PREFERENCE for answer in session.in_time if answer.kind != "catch"])


def focus_lost(session: Session, rule: QualityRule) -> Measured | None:
    """How often the page lost the focus during trials, in all."""
    counts = [answer.absences for answer in session.answers]
    return Measured(sum(counts), len(counts)) if counts else None


def _share(hits: list[bool]) -> Measured | None:
    return Measured(sum(hits) / len(hits), len(hits)) if hits else None
