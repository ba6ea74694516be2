"""Which times of a browser are implausible."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from studies.protocol.spec import TrialSettings
from studies.services.plausibility import FLAGS, implausible_times

ISSUED = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
RECEIVED = ISSUED + timedelta(seconds=60)


def ms(moment: datetime) -> float:
    return moment.timestamp() * 1000


SENT = ms(RECEIVED) - 40


def flags(
    *,
    rt_ms: float = 1500.0,
    answered_at: Any = SENT,
    painted_at: Any = None,
    is_timeout: bool = False,
    settings: dict[str, Any] | None = None,
) -> list[str]:
    """Return the flags of an answer that is plausible but for what is given."""
    if painted_at is None and isinstance(answered_at, float):
        painted_at = answered_at - rt_ms
    return implausible_times(
        rt_ms=rt_ms,
        timing={"painted_at": painted_at, "answered_at": answered_at},
        is_timeout=is_timeout,
        issued_at=ISSUED,
        received_at=RECEIVED,
        settings=TrialSettings(**(settings or {})),
    )


def test_a_plain_answer_has_no_flags() -> None:
    assert flags() == []


@pytest.mark.parametrize(("rt_ms", "expected"), [(60_100.0, []), (60_200.0, ["rt_longer_than_issued"])])
def test_nobody_looks_longer_than_a_trial_was_given_out(rt_ms: float, expected: list[str]) -> None:
    assert flags(rt_ms=rt_ms) == expected


@pytest.mark.parametrize(
    ("rt_ms", "expected"), [(100.0, []), (99.9, ["faster_than_possible"]), (0.0, ["faster_than_possible"])]
)
def test_nobody_answers_within_a_tenth_of_a_second(rt_ms: float, expected: list[str]) -> None:
    assert flags(rt_ms=rt_ms) == expected


def test_an_answer_before_the_pictures_is_flagged() -> None:
    at = ms(RECEIVED) - 1000
    assert flags(painted_at=at + 1, answered_at=at) == ["answered_before_painted", "rt_unlike_times"]


@pytest.mark.parametrize(
    ("off", "expected"), [(149.0, []), (151.0, ["rt_unlike_times"]), (-151.0, ["rt_unlike_times"])]
)
def test_a_reaction_time_is_what_lies_between_pictures_and_answer(off: float, expected: list[str]) -> None:
    at = ms(RECEIVED) - 40
    assert flags(painted_at=at - 1500 + off, answered_at=at) == expected


@pytest.mark.parametrize("seconds", [-61, 121])
def test_a_clock_that_is_off_is_flagged(seconds: int) -> None:
    assert flags(answered_at=ms(ISSUED + timedelta(seconds=seconds))) == ["clock_off"]


@pytest.mark.parametrize("seconds", [-59, 0, 30, 119])
def test_clocks_may_differ_by_a_minute(seconds: int) -> None:
    assert flags(answered_at=ms(ISSUED + timedelta(seconds=seconds))) == []


@pytest.mark.parametrize("value", [None, "12", True, [1], {"at": 1}])
def test_times_that_are_no_numbers_count_as_missing(value: Any) -> None:
    assert flags(answered_at=value, painted_at=1.0) == ["times_missing"]


@pytest.mark.parametrize("huge", [1e308, -1e308])
def test_numbers_of_any_size_are_taken(huge: float) -> None:
    assert "clock_off" in flags(painted_at=-huge, answered_at=huge)


@pytest.mark.parametrize(
    ("rt_ms", "is_timeout", "expected"),
    [
        (5100.0, False, []),
        (5200.0, False, ["over_most_ms"]),
        (5200.0, True, []),
        (4900.0, True, []),
        (4800.0, True, ["timeout_too_early"]),
    ],
)
def test_the_time_limit_is_held_by_both_clocks(rt_ms: float, is_timeout: bool, expected: list[str]) -> None:
    assert flags(rt_ms=rt_ms, is_timeout=is_timeout, settings={"most_ms": 5000}) == expected


@pytest.mark.parametrize(("rt_ms", "expected"), [(900.0, []), (840.0, ["under_least_ms"])])
def test_an_answer_before_the_least_time_is_flagged(rt_ms: float, expected: list[str]) -> None:
    assert flags(rt_ms=rt_ms, settings={"least_ms": 1000}) == expected


def test_every_flag_is_explained() -> None:
    found = flags(rt_ms=10.0, painted_at=5.0, answered_at=0.0, settings={"least_ms": 1000})
    assert set(found) <= set(FLAGS)
    assert found == [flag for flag in FLAGS if flag in found]
