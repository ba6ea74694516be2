"""Asking what may never answer."""

import threading
import time

import pytest

from harmony_app.bounded import Bounded

# So long that no machine is too busy for what takes no time.
MANY_SECONDS = 60.0


class Slow:
    """Answers when it is let go; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Event()

    def __call__(self) -> str:
        self.asked += 1
        assert self.may_answer.wait(MANY_SECONDS)
        return "there"


def test_an_answer_is_kept_for_a_while() -> None:
    asked: list[int] = []

    def ask() -> int:
        asked.append(1)
        return len(asked)

    bounded = Bounded(ask, name="test", seconds=MANY_SECONDS, keep=10 * MANY_SECONDS)
    assert [bounded.answer().value for _ in range(3)] == [1, 1, 1]
    bounded.forget()
    assert bounded.answer().value == 2


def test_what_hangs_is_given_up_and_not_asked_again() -> None:
    slow = Slow()
    bounded = Bounded(slow, name="test", seconds=0.2, keep=10 * MANY_SECONDS)
    began = time.monotonic()
    first = bounded.answer()
    assert first.is_late
    assert time.monotonic() - began < MANY_SECONDS / 2
    began = time.monotonic()
    assert all(bounded.answer().is_late for _ in range(200))
    assert time.monotonic() - began < 20, "its time was over, so nobody waits any more: for 200 times .2 s"
    slow.may_answer.set()
    assert bounded.begin().result(timeout=MANY_SECONDS).value == "there"
    assert slow.asked == 1


def test_an_answer_that_came_too_late_is_there_for_the_next_one() -> None:
    slow = Slow()
    bounded = Bounded(slow, name="test", seconds=0.05, keep=10 * MANY_SECONDS)
    assert bounded.answer().is_late
    slow.may_answer.set()
    bounded.begin().result(timeout=MANY_SECONDS)
    assert bounded.answer().value == "there"


def test_many_who_ask_at_once_cause_one_question() -> None:
    slow = Slow()
    bounded = Bounded(slow, name="test", seconds=MANY_SECONDS, keep=10 * MANY_SECONDS)
    found: list[str | None] = []
    threads = [threading.Thread(target=lambda: found.append(bounded.answer().value)) for _ in range(8)]
    for thread in threads:
        thread.start()
    slow.may_answer.set()
    for thread in threads:
        thread.join()
    assert (slow.asked, found) == (1, ["there"] * 8)


def test_an_error_is_the_answer_and_kept_for_less_long() -> None:
    asked: list[int] = []

    def ask() -> int:
        asked.append(1)
        raise ConnectionError("refused")

    bounded = Bounded(ask, name="test", seconds=MANY_SECONDS, keep=10 * MANY_SECONDS, keep_failure=0)
    with pytest.raises(ConnectionError, match="refused"):
        raise bounded.answer().error or AssertionError("no error")
    bounded.answer()
    assert len(asked) == 2
