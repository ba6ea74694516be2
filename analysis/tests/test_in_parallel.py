"""Work in two processes: the same results as in one, and its faults are told."""

import multiprocessing
import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import pytest

from analysis import in_parallel
from analysis.in_parallel import results
from analysis.measures.judgements import FrameError
from analysis.outputs.files import report_files
from analysis.outputs.json_document import report_json
from analysis.outputs.tests.reports import rich_frame
from analysis.reports import build_report
from analysis.tests.studies_for_reports import facts_for

# Seconds that pass only where something is wrong.
PATIENCE = 60

two_processors = pytest.mark.skipif(not in_parallel.can_fork(), reason="one processor, or no fork")


def by_whom(value: int) -> tuple[int, int]:
    """The value and the process that made it."""
    return value, os.getpid()


def twenty() -> dict[str, in_parallel.Task]:
    return {str(value): partial(by_whom, value) for value in range(20)}


class Meeting:
    """Where the two processes meet in the middle of their tasks, so that each has taken one."""

    def __init__(self) -> None:
        self.parent = os.getpid()
        self.pipes = {True: os.pipe(), False: os.pipe()}

    def wait(self) -> None:
        """Return once the other process is here too."""
        is_parent = os.getpid() == self.parent
        os.write(self.pipes[is_parent][1], b".")
        arrived, _, _ = select.select([self.pipes[not is_parent][0]], [], [], PATIENCE)
        assert arrived, "the other process has taken no task"

    def then(self, task: in_parallel.Task) -> object:
        self.wait()
        return task()

    def end(self) -> None:
        for end in (end for pipe in self.pipes.values() for end in pipe):
            os.close(end)


@pytest.fixture
def meeting() -> Iterator[Meeting]:
    made = Meeting()
    yield made
    made.end()


def refuse() -> None:
    raise FrameError("judgement frame: missing column 'trial'")


def only_in_the_child(meeting: Meeting, then: in_parallel.Task) -> object:
    """Does something in the child, once the parent has taken a task as well."""
    meeting.wait()
    return None if os.getpid() == meeting.parent else then()


@two_processors
def test_two_processes_share_the_tasks_and_the_results_are_in_order(meeting: Meeting) -> None:
    made = results({name: partial(meeting.then, task) for name, task in twenty().items()})
    assert [value for value, _ in made.values()] == list(range(20))
    assert list(made) == list(twenty())
    assert {process for _, process in made.values()} > {os.getpid()}


@two_processors
def test_what_must_be_done_here_is_done_here(meeting: Meeting) -> None:
    here = {name: partial(meeting.then, task) for name, task in twenty().items()} | {"last": os.getpid}
    made = results({"a": partial(meeting.then, partial(by_whom, 1))}, here=here)
    assert [made[str(value)] for value in range(20)] == [(value, os.getpid()) for value in range(20)]
    assert made["last"] == os.getpid()
    assert made["a"][1] != os.getpid()


def test_where_a_second_process_does_not_pay_there_is_none() -> None:
    assert {process for _, process in results(twenty(), pays=False).values()} == {os.getpid()}


def test_on_one_processor_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0})
    assert {process for _, process in results(twenty()).values()} == {os.getpid()}


def test_a_daemonic_process_does_all_itself() -> None:
    receiving, sending = multiprocessing.Pipe(duplex=False)

    def work() -> None:
        sending.send(({process for _, process in results(twenty()).values()}, os.getpid()))

    worker = multiprocessing.get_context("fork").Process(target=work, daemon=True)
    worker.start()
    assert receiving.poll(PATIENCE)
    processes, own = receiving.recv()
    worker.join(PATIENCE)
    assert processes == {own}


@two_processors
def test_an_error_of_the_child_comes_back_as_it_is(meeting: Meeting) -> None:
    refused = partial(only_in_the_child, meeting, refuse)
    with pytest.raises(FrameError, match="missing column 'trial'"):
        results({"a": refused, "b": refused})


def test_an_error_in_one_process_comes_as_it_is() -> None:
    with pytest.raises(FrameError, match="missing column 'trial'"):
        results({"a": refuse, **twenty()}, pays=False)


@two_processors
def test_a_killed_child_is_an_error_and_no_endless_wait(meeting: Meeting) -> None:
    kill = partial(only_in_the_child, meeting, lambda: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(BrokenProcessPool):
        results({"a": kill, "b": kill})


@two_processors
def test_an_error_in_this_process_ends_the_child_too() -> None:
    began = time.monotonic()
    with pytest.raises(FrameError):
        # All of them would take the child ten minutes.
        results({str(place): partial(time.sleep, 0.3) for place in range(2000)}, here={"a": refuse})
    assert time.monotonic() - began < PATIENCE
    assert multiprocessing.active_children() == []


@two_processors
def test_nothing_is_left_behind() -> None:
    before = (len(list(Path("/proc/self/fd").iterdir())), threading.active_count())
    results(twenty())
    assert (len(list(Path("/proc/self/fd").iterdir())), threading.active_count()) == before


def test_the_share_that_is_done_rises() -> None:
    told: list[tuple[str, float]] = []
    results(twenty(), here={"first": os.getpid}, tell=lambda name, share: told.append((name, share)))
    assert told[0] == ("first", 0.0)
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert max(shares) < 1


@two_processors
def test_a_report_by_two_processes_is_the_report_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = rich_frame()
    facts = facts_for(["GradCAM", "LRP"], metrics=("RMA", "Focus"), trials=120)
    by_one = build_report(frame, facts, seed=3)
    files_by_one = report_files(by_one, frame)
    monkeypatch.setattr("analysis.reports.MANY_ANSWERS", 1)
    monkeypatch.setattr("analysis.outputs.files.MANY_ANSWERS", 1)
    by_two = build_report(frame, facts, seed=3)
    assert report_json(by_two) == report_json(by_one)
    # The process has drawn and written files before this fork: what that left behind must not stop the child.
    assert report_files(by_two, frame) == files_by_one
