"""A bucket that hangs is left alone by pages for a while, and by nobody else."""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.files.storage import Storage
from django.test import Client
from prometheus_client import generate_latest
from pytest_django import Settings

from harmony_app.media_storage import media_storage
from harmony_app.storage_breaker import REFUSED, Breaker
from harmony_app.tests.test_storage_patience import PATIENT, bucket, hanging, waited
from studies.counts import REGISTRY
from studies.media import StorageFailedError, hurried, in_parallel, may_be_refused, stored_bytes
from studies.models import Participation
from studies.services import assignments_draw

__all__ = ["bucket", "hanging"]

SLOW, PAUSE = 2.0, 5.0


@pytest.fixture(autouse=True)
def _long_pause(settings: Settings) -> None:
    """A machine may be slow."""
    settings.MEDIA_PAUSE_SECONDS = 600


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Patient:
    """A breaker whose clock only moves in looks that get no answer, and when told so."""

    def __init__(self, timeouts: int = 3) -> None:
        self.clock = Clock()
        self.breaker = Breaker(
            "s3://harmony", timeouts=timeouts, pause=PAUSE, errors=(TimeoutError,), slow=SLOW, clock=self.clock
        )

    def fail(self, meanwhile: Callable[[], None]) -> None:
        with suppress(TimeoutError), self.breaker.look():
            meanwhile()
            raise TimeoutError

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    def hang(self, times: int = 1) -> None:
        for _ in range(times):
            self.fail(lambda: self.wait(SLOW))

    def refuse_at_once(self) -> None:
        self.fail(lambda: self.wait(0))

    def answer(self) -> None:
        with self.breaker.look():
            pass

    def is_refused(self) -> bool:
        try:
            self.answer()
        except StorageFailedError:
            return True
        return False


def test_after_some_looks_in_a_row_without_an_answer_the_next_is_refused_with_the_reason() -> None:
    patient = Patient()
    patient.hang(3)
    with pytest.raises(StorageFailedError, match=r"s3://harmony: it hangs, is left alone, and is asked again in 5 s"):
        patient.answer()


def test_an_answer_in_between_begins_the_count_anew() -> None:
    patient = Patient()
    patient.hang(2)
    patient.answer()
    patient.hang(2)
    assert not patient.is_refused()


def test_an_error_that_comes_at_once_is_an_answer() -> None:
    patient = Patient()
    patient.hang(2)
    for _ in range(3):
        patient.refuse_at_once()
    patient.hang(2)
    assert not patient.is_refused()


def test_after_the_pause_one_look_that_gets_an_answer_ends_it() -> None:
    patient = Patient()
    patient.hang(3)
    patient.wait(PAUSE)
    patient.answer()
    patient.hang(2)
    assert not patient.is_refused()


def test_after_the_pause_one_look_without_an_answer_begins_the_next() -> None:
    patient = Patient()
    patient.hang(3)
    patient.wait(PAUSE)
    patient.hang()
    patient.wait(PAUSE - 0.1)
    assert patient.is_refused()
    patient.wait(0.2)
    assert not patient.is_refused()


def test_while_one_look_tries_whether_it_answers_the_others_are_refused() -> None:
    patient = Patient()
    patient.hang(3)
    patient.wait(PAUSE)
    with patient.breaker.look():
        assert patient.is_refused()
    assert not patient.is_refused()


def test_a_look_that_was_under_way_before_makes_the_pause_no_longer() -> None:
    patient = Patient()

    def others_hang() -> None:
        patient.hang(3)
        patient.wait(PAUSE - 1)

    patient.fail(others_hang)
    patient.wait(1)
    assert not patient.is_refused()


def test_a_look_that_somebody_breaks_off_is_not_waited_for() -> None:
    patient = Patient()
    patient.hang(3)
    patient.wait(PAUSE)
    with pytest.raises(KeyboardInterrupt), patient.breaker.look():
        raise KeyboardInterrupt
    assert not patient.is_refused()


def test_with_none_allowed_nothing_is_ever_refused() -> None:
    patient = Patient(timeouts=0)
    patient.hang(20)
    assert not patient.is_refused()


def test_of_many_threads_after_the_pause_one_asks() -> None:
    patient = Patient()
    patient.hang(3)
    patient.wait(PAUSE)
    together, leave, asked = threading.Barrier(8), threading.Event(), []

    def look(number: int) -> None:
        together.wait(60)
        try:
            with patient.breaker.look():
                asked.append(number)
                leave.wait(60)
        except StorageFailedError:
            refused.release()

    refused = threading.Semaphore(0)
    threads = [threading.Thread(target=look, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(7):
        assert refused.acquire(timeout=60)
    leave.set()
    for thread in threads:
        thread.join()
    assert len(asked) == 1


def test_refusals_are_counted() -> None:
    patient = Patient()
    patient.hang(3)
    before = REFUSED._value.get()
    assert patient.is_refused()
    assert REFUSED._value.get() == before + 1
    assert b"harmony_storage_looks_refused_total" in generate_latest(REGISTRY)


@pytest.fixture
def left_alone(bucket: Storage) -> Storage:
    """A bucket that has hung so often that pages leave it alone."""
    with hurried():
        for _ in range(3):
            waited(bucket)
    return bucket


def test_pages_are_refused_at_once_by_a_bucket_that_hangs(left_alone: Storage) -> None:
    with hurried(), pytest.raises(StorageFailedError, match="is left alone"):
        stored_bytes("pictures/a.png", left_alone)


def test_who_has_to_see_for_himself_asks_a_bucket_that_hangs(left_alone: Storage) -> None:
    with hurried(is_refused=False):
        assert waited(left_alone) < PATIENT


def test_what_works_in_the_background_asks_a_bucket_that_hangs(left_alone: Storage) -> None:
    assert waited(left_alone) >= PATIENT


def test_looks_that_cannot_be_refused_are_not_counted(bucket: Storage) -> None:
    with hurried(is_refused=False):
        for _ in range(3):
            waited(bucket)
    with hurried():
        waited(bucket)


def test_what_is_asked_in_parallel_is_refused_as_well(bucket: Storage) -> None:
    with hurried():
        assert list(in_parallel(lambda _: may_be_refused(), range(4), bucket)) == [True] * 4
    assert list(in_parallel(lambda _: may_be_refused(), range(4), bucket)) == [False] * 4


def test_only_the_first_pictures_of_a_bucket_that_hangs_hold_a_thread(
    hanging: None, annotator_client: Client, participation: Participation, settings: Settings
) -> None:
    assignment = assignments_draw(participation=participation, count=1)[0]
    default = media_storage("s3://harmony/site", Path("/unused"))
    settings.STORAGES = {**settings.STORAGES, "default": default}
    refused = []
    for _ in range(5):
        before = REFUSED._value.get()
        reply = annotator_client.get(f"/pictures/{assignment.token}/left")
        assert (reply.status_code, reply["Retry-After"]) == (503, "30")
        refused.append(REFUSED._value.get() - before)
    assert refused == [0, 0, 0, 1, 1]
