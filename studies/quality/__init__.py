"""Quality rules: what annotators are held to. One function and one line for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from studies.protocol.spec import QualityRule
from studies.quality import rules
from studies.quality.observed import Session
from studies.quality.rules import Measured

Measure = Callable[[Session, QualityRule], Measured | None]


@dataclass(frozen=True)
class Rule:
    """What is measured, and whether the limit is the least that is allowed (otherwise the most).

    `is_of_whole` says that the value means nothing of a part of the trials.
    """

    measure: Measure
    is_least: bool
    is_of_whole: bool = False


RULES: Mapping[str, Rule] = {
    "catch_accuracy": Rule(rules.catch_accuracy, is_least=True),
    "repeat_consistency": Rule(rules.repeat_consistency, is_least=True),
    "total_seconds": Rule(rules.total_seconds, is_least=True, is_of_whole=True),
    "median_rt_ms": Rule(rules.median_rt_ms, is_least=True),
    "fast_share": Rule(rules.fast_share, is_least=False),
    "longest_run": Rule(rules.longest_run, is_least=False),
    "neither_share": Rule(rules.neither_share, is_least=False),
    "focus_lost": Rule(rules.focus_lost, is_least=False),
}


def breach_of(rule: QualityRule, session: Session, *, is_whole: bool) -> Measured | None:
    """Return what was measured if it is on the wrong side of the limit; a value on the limit is allowed.

    None as long as there are fewer than `after` observations, and, of what is measured of the whole, for a part of it.
    """
    known = RULES[rule.rule]
    if known.is_of_whole and not is_whole:
        return None
    measured = known.measure(session, rule)
    if measured is None or measured.observations < rule.after:
        return None
    is_breached = measured.value < rule.limit if known.is_least else measured.value > rule.limit
    return measured if is_breached else None


def is_out_of_reach(rule: QualityRule, session: Session, planned: int) -> bool:
    """Whether the accuracy on `planned` catch trials misses the limit even if all those to come are answered right."""
    measured = rules.catch_accuracy(session, rule)
    if measured is None or measured.observations < rule.after:
        return False
    wrong = round((1 - measured.value) * measured.observations)
    planned = max(planned, measured.observations)
    return (planned - wrong) / planned < rule.limit
