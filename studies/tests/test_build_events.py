"""Events of workers that are lost, late, doubled, out of order or forged."""

import time
import uuid
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from studies.builds import ticking
from studies.builds.asking import build_cancel, build_retry
from studies.builds.events import read_event
from studies.builds.log import MOST_LINES
from studies.builds.steps import Kind
from studies.models import Build, BuildLine, BuildStep
from studies.tests.build_site import BuildSite, ago, config, event, fresh, states, step_of
from studies.tests.build_worker import order_faults


def test_events_that_come_twice_change_nothing(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.work(3)
    before = states(build), len(build_site.queue)
    ticking.heard(build_site.told)
    assert (states(build), len(build_site.queue)) == before


def test_a_step_that_is_done_does_not_run_again(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.work(1)
    ticking.heard([event(build, "plan", "running", what="late", done=1, total=2)])
    ticking.heard([event(build, "plan", "failed", error="late", kind="input")])
    assert states(build)["plan"] == "done"
    assert fresh(build).state == "running"


def test_the_end_counts_wherever_it_stands_among_the_events(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.work(1, is_heard=False)
    ticking.heard([event(build, "plan", "done", seconds=1.0), event(build, "plan", "running", done=9, total=9)])
    assert (step_of(build, "plan").state, step_of(build, "plan").seconds) == ("done", 1.0)


def test_of_progress_the_newest_counts(build_site: BuildSite) -> None:
    build = build_site.start()
    older = {**event(build, "plan", "running", done=1, total=9), "at": time.time() - 5}
    ticking.heard([event(build, "plan", "running", done=4, total=9), older])
    assert step_of(build, "plan").done == 4


def test_a_failure_that_is_told_twice_counts_once(build_site: BuildSite) -> None:
    build = build_site.start()
    failed = event(build, "plan", "failed", error="a fault", kind="fault")
    ticking.heard([failed])
    ticking.heard([failed, failed])
    assert (fresh(build).state, step_of(build, "plan").failures) == ("running", 1)
    ticking.heard([{**failed, "at": failed["at"] + 7}])
    assert fresh(build).state == "failed"


def test_events_of_another_attempt_are_dropped(build_site: BuildSite) -> None:
    build = build_site.start()
    ticking.heard([{**event(build, "plan", "failed", error="x", kind="input"), "attempt": 2}])
    assert fresh(build).state == "queued"
    ticking.heard([event(build, "plan", "failed", error="x", kind="input")])
    again = build_retry(build=fresh(build), actor=None)
    ticking.heard([event(build, "plan", "failed", error="x", kind="input")])
    assert (fresh(again).state, states(again)) == ("queued", {"plan": "waiting"})


def test_events_of_a_cancelled_build_are_dropped_except_its_lines(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.work(2)
    build_cancel(build=fresh(build), actor=None)
    before = states(build)
    build_site.work()
    assert (fresh(build).state, states(build)) == ("cancelled", before)
    ticking.heard([event(build, "plan", "running", lines=[[time.time(), "info", "the last words"]])])
    assert BuildLine.objects.filter(build=build, text="the last words").exists()


def test_nobody_but_the_web_side_ends_the_import(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.work(8)
    assert states(build)["import"] == "sent"
    ticking.heard([event(build, "import", "done"), event(build, "import", "failed", error="x", kind="input")])
    assert (fresh(build).state, states(build)["import"]) == ("importing", "sent")


@pytest.mark.parametrize("step", ["plan", "finetune:rma-gradcam", "chunk:rma-gradcam:0001", "merge"])
def test_a_step_that_is_said_to_be_done_and_is_not_is_done_again(build_site: BuildSite, step: str) -> None:
    build = build_site.start()
    build_site.storage.write("faults.json", b'{"%s": ["lied"]}' % step.encode())
    done = build_site.work()
    assert done.count(step) == 2
    assert fresh(build).state == "done"
    assert step_of(build, step).losses == 1


def test_a_step_that_always_lies_ends_the_build(build_site: BuildSite) -> None:
    build = build_site.start()
    order_faults(build_site.storage, plan=["lied"] * 9)
    assert build_site.work() == ["plan"] * 4
    assert fresh(build).state == "failed"
    assert "not in the storage" in fresh(build).error


FORGED: list[Any] = [
    None,
    7,
    "text",
    {"not": "a list"},
    [None, 7, "text", []],
    [{}],
    [{"build": "no key", "attempt": 1, "step": "plan", "state": "done"}],
    [{"build": str(uuid.uuid4()), "attempt": 1, "step": "plan", "state": "done"}],
    [{"build": ["x"], "attempt": 1, "step": {"a": 1}, "state": ["done"]}],
]


@pytest.mark.parametrize("forged", FORGED, ids=range(len(FORGED)))
def test_what_is_no_event_of_a_known_build_changes_nothing(build_site: BuildSite, forged: Any) -> None:
    build = build_site.start()
    ticking.heard(forged)
    assert (fresh(build).state, states(build), BuildLine.objects.count()) == ("queued", {"plan": "sent"}, 1)


@pytest.mark.parametrize(
    "replaced",
    [
        {"attempt": "1"},
        {"attempt": True},
        {"attempt": 0},
        {"attempt": 2**70},
        {"step": None},
        {"step": "no such step"},
        {"step": "x" * 10_000},
        {"state": "imported"},
        {"state": None},
    ],
)
def test_an_event_with_a_wrong_field_is_dropped(build_site: BuildSite, replaced: dict[str, Any]) -> None:
    build = build_site.start()
    ticking.heard([{**event(build, "plan", "failed", error="x", kind="input"), **replaced}])
    assert fresh(build).state != "failed"
    assert states(build) == {"plan": "sent"}


def test_odd_values_of_events_are_bounded_and_can_be_stored(build_site: BuildSite) -> None:
    build = build_site.start()
    odd = {
        "worker": "w\0\ud800" * 500,
        "what": "\0" + "x" * 10_000,
        "done": 10**30,
        "total": -5,
        "seconds": float("nan"),
        "at": 1e300,
        "lines": [
            [1e400, "LOUD", "y" * 100_000],
            [None, None, None],
            "no line",
            [0, "info", "  "],
            [1, "Error", "z\0"],
        ],
    }
    ticking.heard([{**event(build, "plan", "running"), **odd}])
    step = step_of(build, "plan")
    assert (step.state, len(step.what), step.done, step.total) == ("running", 299, 2**31 - 1, 0)
    assert "\0" not in step.worker
    lines = list(BuildLine.objects.filter(build=build).exclude(text="queued"))
    assert [(line.level, len(line.text)) for line in lines] == [("info", 1000), ("error", 1)]
    assert all(line.at > ago(60) for line in lines)


def test_a_failure_of_an_unknown_kind_is_a_fault_and_its_text_is_bounded() -> None:
    read = read_event(
        {
            "build": str(uuid.uuid4()),
            "attempt": 1,
            "step": "plan",
            "state": "failed",
            "kind": ["x"],
            "error": "e" * 10**6,
        }
    )
    assert read is not None
    assert (read.kind, len(read.error)) == ("fault", 2000)


def test_the_log_keeps_the_last_lines(build_site: BuildSite) -> None:
    build = build_site.start()
    for number in range(0, 700, 100):
        lines = [[time.time(), "info", f"line {number + offset}"] for offset in range(100)]
        ticking.heard([event(build, "plan", "running", lines=lines)])
    kept = list(BuildLine.objects.filter(build=build).order_by("pk"))
    assert len(kept) == MOST_LINES
    assert [kept[0].text, kept[-1].text] == ["line 200", "line 699"]


def many_chunks(build_site: BuildSite, count: int) -> tuple[Build, list[str]]:
    """A build with so many chunks that were sent."""
    build = build_site.start(text=config(pairs=8))
    build_site.work(1)
    rows = [
        BuildStep(
            build=build, attempt=1, kind=Kind.CHUNK, name=f"chunk:{n}", output=f"runs/r/{n}", state="sent", images=1
        )
        for n in range(count)
    ]
    BuildStep.objects.bulk_create(rows)
    return build, [row.name for row in rows]


def test_hundreds_of_ends_take_few_queries(
    build_site: BuildSite, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    build, names = many_chunks(build_site, 500)
    events = [event(build, name, "done", seconds=0.1, worker=f"w{number % 4}") for number, name in enumerate(names)]
    with django_assert_max_num_queries(35):
        ticking.heard(events)
    assert BuildStep.objects.filter(kind=Kind.CHUNK, state="done").count() == 500


def test_as_many_ends_take_as_many_queries_as_half_of_them(build_site: BuildSite) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    build, names = many_chunks(build_site, 300)
    counts = []
    for half in (names[:100], names[100:]):
        with CaptureQueriesContext(connection) as queries:
            ticking.heard([event(build, name, "done", seconds=0.1) for name in half])
        counts.append(len(queries))
    assert counts[0] == counts[1]
