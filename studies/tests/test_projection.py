"""How full a study is, and when it may be done."""

from datetime import UTC, datetime, timedelta

import pytest

from studies.dashboard.projection import Fill, project

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def every(gap: timedelta, number: int, *, last: datetime = NOW) -> list[datetime]:
    """So many times with the same gap between them, the newest first."""
    return [last - gap * place for place in range(number)]


@pytest.mark.parametrize(
    ("answered", "wanted", "percent"), [(0, 24, 0), (1, 3, 33), (299, 300, 99), (3, 3, 100), (4, 3, 100), (0, 0, 100)]
)
def test_a_fill_is_a_hundred_per_cent_only_when_full(answered: int, wanted: int, percent: int) -> None:
    assert Fill(answered, 0, wanted).percent == percent


def test_more_answers_than_wanted_leave_nothing() -> None:
    assert Fill(answered=5, live=1, wanted=3).remaining == 0


def test_one_answer_a_minute_is_sixty_an_hour() -> None:
    found = project(every(MINUTE, 61), remaining=120, now=NOW)
    assert found is not None
    assert found.hourly == pytest.approx(60)
    assert found.work_left == timedelta(hours=2)


def test_the_order_of_the_times_says_nothing() -> None:
    times = every(MINUTE, 61)
    assert project(times, remaining=9, now=NOW) == project(times[::-1], remaining=9, now=NOW)


def test_a_pause_over_night_is_not_counted_as_work() -> None:
    times = every(MINUTE, 31) + every(MINUTE, 31, last=NOW - timedelta(hours=14))
    found = project(times, remaining=60, now=NOW)
    assert found is not None
    assert found.hourly == pytest.approx(60)
    assert found.finish is None


def test_with_a_day_of_data_the_finish_has_the_same_pauses() -> None:
    times = every(MINUTE, 30) + every(MINUTE, 30, last=NOW - timedelta(days=2))
    found = project(times, remaining=60, now=NOW)
    assert found is not None
    # 60 answers came within the past two days and half an hour, so 60 more take as long.
    assert found.span == timedelta(days=2, minutes=29)
    assert found.finish == NOW + found.span


@pytest.mark.parametrize(
    ("times", "why"),
    [
        ([], "none"),
        (every(MINUTE, 19), "fewer than twenty"),
        (every(timedelta(seconds=30), 20), "less than ten minutes of work"),
        (every(timedelta(minutes=31), 40), "nothing but pauses"),
        (every(MINUTE, 60, last=NOW - timedelta(days=8)), "more than a week ago"),
        (every(MINUTE, 60, last=NOW + timedelta(days=1)), "from a clock that is ahead"),
    ],
)
def test_too_little_says_nothing(times: list[datetime], why: str) -> None:
    assert project(times, remaining=100, now=NOW) is None, why


def test_times_all_at_once_say_nothing() -> None:
    assert project([NOW] * 50, remaining=100, now=NOW) is None
