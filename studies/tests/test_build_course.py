"""A build from the queue to the study, with workers that obey."""

import pytest
from pytest_django import DjangoAssertNumQueries

from studies.builds import ticking
from studies.builds.selectors import build_progress
from studies.models import AuditEntry, Study, User
from studies.tests.build_site import BuildSite, config, fresh, states, step_of
from studies.tests.build_worker import order_faults

FINETUNES = ["finetune:rma-gradcam", "finetune:rma-guidedbackprop"]
CHUNKS = [f"chunk:rma-{name}:000{number}" for name in ("gradcam", "guidedbackprop") for number in (1, 2)]


def test_every_step_is_done_once_and_the_study_is_there(build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    done = build_site.work()
    assert done[0] == "plan"
    assert sorted(done[1:3]) == FINETUNES
    assert sorted(done[3:7]) == CHUNKS
    assert done[7:] == ["merge", "import"]
    finished = fresh(build)
    assert (finished.state, finished.error) == ("done", "")
    assert finished.study is not None
    assert (finished.study.slug, finished.study.owner) == ("built", builder)
    assert finished.finished_at is not None
    assert finished.manifest["study"] == "built"


def test_the_studys_audit_log_names_the_build(build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    build_site.work()
    entry = AuditEntry.objects.get(action="built")
    assert (entry.study.slug, entry.actor, entry.detail) == ("built", builder, {"build": str(build.key)})


def test_a_build_of_the_command_line_makes_a_study_of_nobody(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.work()
    assert fresh(build).state == "done"
    assert Study.objects.get(slug="built").owner is None


def test_a_build_runs_once_somebody_has_begun_with_it(build_site: BuildSite) -> None:
    build = build_site.start()
    assert (fresh(build).state, states(build)) == ("queued", {"plan": "sent"})
    build_site.work(1)
    assert fresh(build).state == "running"
    assert fresh(build).started_at is not None
    assert states(build) == {"plan": "done", **dict.fromkeys(FINETUNES, "sent")}


def test_the_job_is_written_before_anything_is_sent(build_site: BuildSite) -> None:
    build = build_site.start()
    assert build_site.storage.exists(f"builds/{build.key}/job.json")
    assert build_site.queue == [
        (
            "gpu",
            "attribution.plan",
            {"build": str(build.key), "attempt": 1, "step": "plan", "output": f"builds/{build.key}/plan-1.json"},
        )
    ]


def test_chunks_of_one_condition_do_not_wait_for_the_fine_tuning_of_another(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.work(2)
    sent = [name for name, state in states(build).items() if state == "sent"]
    assert len([name for name in sent if name.startswith("chunk")]) == 2
    assert len([name for name in sent if name.startswith("finetune")]) == 1


def test_what_another_build_has_finished_is_not_made_again(build_site: BuildSite) -> None:
    build_site.start()
    build_site.work()
    build_site.start(text=config("another"))
    assert build_site.work() == ["plan", "merge", "import"]


def test_a_config_with_no_chunks_goes_straight_to_the_bundle(
    build_site: BuildSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.tests.build_worker.range", lambda *numbers: [], raising=False)
    build = build_site.start()
    assert build_site.work() == ["plan", *FINETUNES, "merge", "import"]
    assert fresh(build).state == "done"


def test_progress_counts_an_image_in_each_condition(build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    before = build_progress(fresh(build))
    assert (before.state, before.images, before.fraction) == ("queued", 0, 0.0)
    build_site.work(4)
    half = build_progress(fresh(build))
    assert (half.conditions, half.images, half.images_done) == (2, 12, 4)
    assert half.rate is not None
    assert half.remaining == pytest.approx(8 / half.rate)
    assert 0.4 < half.fraction < 0.9
    first = half.per_condition[0]
    assert (first.name, first.state, first.improved, first.before, first.after) == (
        "RMA x GradCAM",
        "done",
        True,
        0.25,
        0.5,
    )
    assert (first.step, first.steps, first.chunks) == (4, 4, 2)
    build_site.work()
    after = build_progress(fresh(build))
    assert (after.fraction, after.conditions_done, after.images_done, after.remaining) == (1.0, 2, 12, None)
    assert [timing.is_done for timing in after.timings] == [True] * 5
    assert [line.text for line in after.lines][:2] == ["queued", "plan: done"]


def test_the_lines_of_progress_can_be_read_from_where_one_was(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.work(2)
    lines = build_progress(fresh(build)).lines
    assert build_progress(fresh(build), lines_after=lines[0].pk).lines == list(lines[1:])


def test_progress_takes_the_same_queries_however_many_steps_there_are(
    build_site: BuildSite, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    build = build_site.start(text=config(pairs=400))
    build_site.work(20)
    present = fresh(build)
    with django_assert_max_num_queries(11):
        build_progress(present)


def test_a_build_that_nobody_does_says_so(build_site: BuildSite) -> None:
    build = build_site.start()
    assert not build_progress(fresh(build)).is_stalled
    build_site.pass_time(build, 100)
    progress = build_progress(fresh(build))
    assert progress.is_stalled
    assert "No worker" in progress.stalled_because


def test_a_running_step_shows_who_does_what(build_site: BuildSite) -> None:
    build = build_site.start()
    order_faults(build_site.storage, plan=["gone"])
    build_site.work(1)
    (running,) = build_progress(fresh(build)).running
    assert (running.name, running.worker, running.what, running.total) == ("plan", "worker-1", "plan: begun", 4)
    assert step_of(build, "plan").started_at is not None


def test_at_most_so_many_chunks_are_sent_and_more_when_they_are_done(build_site: BuildSite) -> None:
    build = build_site.start(text=config(pairs=4 * 50))
    build_site.work(3)
    assert list(states(build).values()).count("sent") == 32
    assert list(states(build).values()).count("waiting") == 68
    build_site.work(20)
    assert list(states(build).values()).count("sent") >= 32


def test_a_tick_with_nothing_to_do_takes_few_queries(
    build_site: BuildSite, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(3):
        ticking.builds_tick()
