"""Builds whose workers die or fail, and whose broker or storage is down."""

import json
import shutil
from pathlib import Path

import pytest

from attribution.shared_storage import SharedStorage, StorageError
from studies.builds import broker, ticking
from studies.models import Build, BuildLine
from studies.tests.build_site import BuildSite, fresh, states, step_of
from studies.tests.build_worker import order_faults

CHUNK = "chunk:rma-gradcam:0002"


def passed(site: BuildSite, build: Build, seconds: float) -> None:
    site.pass_time(build, seconds)
    ticking.builds_tick()


@pytest.mark.parametrize("step", ["plan", "finetune:rma-gradcam", CHUNK, "merge"])
def test_a_step_whose_worker_dies_is_done_again(build_site: BuildSite, step: str) -> None:
    build = build_site.start()
    build_site.storage.write("faults.json", b'{"%s": ["gone"]}' % step.encode())
    build_site.work()
    assert step_of(build, step).state == "running"
    passed(build_site, build, 61)
    assert (step_of(build, step).state, step_of(build, step).losses) == ("sent", 1)
    build_site.work()
    assert fresh(build).state == "done"


def test_a_worker_that_gives_signs_of_life_is_left_alone(build_site: BuildSite) -> None:
    build = build_site.start()
    order_faults(build_site.storage, plan=["gone"])
    build_site.work()
    passed(build_site, build, 59)
    assert (step_of(build, "plan").state, step_of(build, "plan").losses) == ("running", 0)


def test_a_silent_worker_whose_output_is_there_has_lost_nothing(build_site: BuildSite) -> None:
    build = build_site.start()
    order_faults(build_site.storage, plan=["silent"])
    build_site.work(1)
    passed(build_site, build, 61)
    assert (step_of(build, "plan").state, step_of(build, "plan").losses) == ("done", 0)


def test_a_step_that_kills_its_workers_ends_the_build_and_is_named(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.storage.write("faults.json", b'{"%s": ["gone", "gone", "gone", "gone"]}' % CHUNK.encode())
    for _ in range(4):
        build_site.work()
        assert fresh(build).state == "running"
        passed(build_site, build, 61)
    failed = fresh(build)
    assert failed.state == "failed"
    assert f"{CHUNK} (images 5 to 6 of RMA x GradCAM)" in failed.error
    assert "gone 4 times" in failed.error
    assert failed.error.count("worker-") == 4
    assert "try again" in failed.error


def test_the_other_workers_of_a_failed_build_are_told(build_site: BuildSite) -> None:
    build = build_site.start()
    order_faults(build_site.storage, finetune=["input"])
    build_site.work(2)
    assert fresh(build).state == "failed"
    ticking.builds_tick()
    assert build_site.storage.exists(f"builds/{build.key}/cancelled-1")
    assert "sent" not in states(build).values()


def test_a_message_that_the_broker_lost_is_sent_again_and_is_no_loss(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.queue.clear()
    passed(build_site, build, 29)
    assert build_site.queue == []
    passed(build_site, build, 2)
    assert [message[2]["step"] for message in build_site.queue] == ["plan"]
    assert step_of(build, "plan").losses == 0


def test_a_message_that_waits_in_the_queue_is_not_sent_again(build_site: BuildSite) -> None:
    build = build_site.start()
    passed(build_site, build, 600)
    assert len(build_site.queue) == 1


def test_an_import_that_was_lost_on_the_way_is_sent_again(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.work(8)
    build_site.queue.clear()
    passed(build_site, build, 31)
    build_site.work()
    assert fresh(build).state == "done"


def test_a_build_of_which_nothing_is_ever_heard_is_done_all_the_same(build_site: BuildSite) -> None:
    build = build_site.start()
    for _ in range(4):
        build_site.work(is_heard=False)
        passed(build_site, build, 31)
    build_site.work()
    assert fresh(build).state == "done"
    assert all(not step.losses for step in fresh(build).steps.all())
    assert BuildLine.objects.filter(text__contains="of which nothing was heard").exists()


def test_the_storage_is_looked_into_by_one_of_two_ticks(build_site: BuildSite, monkeypatch: pytest.MonkeyPatch) -> None:
    build = build_site.start()
    looked: list[Build] = []
    monkeypatch.setattr(ticking, "build_look", looked.append)
    passed(build_site, build, 31)
    ticking.builds_tick()
    assert len(looked) == 1


@pytest.mark.parametrize(("kind", "tries"), [("input", 1), ("image", 1), ("fault", 2), ("passing", 4)])
def test_a_step_that_fails_is_tried_as_often_as_its_error_says(build_site: BuildSite, kind: str, tries: int) -> None:
    build = build_site.start()
    build_site.storage.write("faults.json", b'{"%s": ["%s"]}' % (CHUNK.encode(), b'", "'.join([kind.encode()] * 9)))
    done = build_site.work()
    for _ in range(9):
        passed(build_site, build, 55)
        done += build_site.work()
    assert done.count(CHUNK) == tries
    assert fresh(build).state == "failed"
    assert f"{CHUNK}: cannot be done" in fresh(build).error
    assert step_of(build, CHUNK).state == "failed"


def test_what_may_pass_is_tried_later_and_later(build_site: BuildSite) -> None:
    build = build_site.start()
    order_faults(build_site.storage, plan=["passing"] * 3)
    for wait in (5, 20, 60):
        assert build_site.work() == ["plan"]
        passed(build_site, build, wait - 1)
        assert build_site.queue == []
        passed(build_site, build, 1.5)
    build_site.work()
    assert fresh(build).state == "done"


def test_an_error_in_the_config_is_told_as_it_is(build_site: BuildSite) -> None:
    build = build_site.start()
    order_faults(build_site.storage, plan=["input"])
    build_site.work()
    assert (fresh(build).state, fresh(build).error) == ("failed", "plan: cannot be done")


def test_steps_wait_while_the_broker_is_down(build_site: BuildSite) -> None:
    build_site.is_down = True
    build = build_site.start()
    assert (fresh(build).state, states(build)) == ("queued", {"plan": "waiting"})
    build_site.is_down = False
    ticking.builds_tick()
    build_site.work()
    assert fresh(build).state == "done"


def test_a_broker_that_goes_down_half_way_gets_the_rest_later(
    build_site: BuildSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = build_site.start()
    whole = broker.publish

    def first_only(messages: object) -> None:
        listed = list(messages)  # type: ignore[call-overload]
        whole(listed[:1])
        if listed[1:]:
            raise broker.BrokerDownError(1)

    monkeypatch.setattr(broker, "publish", first_only)
    build_site.work(1)
    assert sorted(states(build).values()) == ["done", "sent", "waiting"]
    monkeypatch.setattr(broker, "publish", whole)
    done = build_site.work()
    assert len(done) == len(set(done)) == 8
    assert fresh(build).state == "done"


def test_nothing_is_sent_while_the_storage_is_down(build_site: BuildSite, tmp_path: Path) -> None:
    tmp_path.joinpath("builds").write_text("no folder")
    build = build_site.start()
    assert (build_site.queue, states(build)) == ([], {"plan": "waiting"})
    tmp_path.joinpath("builds").unlink()
    ticking.builds_tick()
    build_site.work()
    assert fresh(build).state == "done"


def test_a_storage_that_is_down_when_a_step_ends_loses_nothing(
    build_site: BuildSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = build_site.start()

    def down(*_given: object) -> bytes:
        raise StorageError("the storage cannot be reached")

    build_site.work(1, is_heard=False)
    with monkeypatch.context() as patched:
        patched.setattr(type(build_site.storage), "read", down)
        ticking.heard(build_site.told)
        assert states(build) == {"plan": "done"}
        ticking.builds_tick()
    ticking.builds_tick()
    build_site.work()
    assert fresh(build).state == "done"
    assert step_of(build, "plan").losses == 0


def test_chunks_that_vanish_before_the_bundle_are_made_again(build_site: BuildSite, tmp_path: Path) -> None:
    build = build_site.start()
    build_site.work(6)
    shutil.rmtree(tmp_path / "builds" / "runs" / "run-0123456789" / "chunks")
    done = build_site.work()
    assert sum(name.startswith("chunk") for name in done) == 4
    assert fresh(build).state == "done"


ONE = b'{"run": "r", "images": 4, "conditions": [{"name": "a", "finetune": {"step": "s", "output": "%s"}}]}'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"run": "r"}',
        b'{"run": "r", "images": 4, "conditions": []}',
        (ONE % b"runs/r/x").replace(b"4", b"-4"),
        (ONE % b"runs/r/x").replace(b'"a"', b'"a\\u0000"'),
        (ONE % b"runs/r/x").replace(b'"run"', b'"dataset": {"a": "\\u0000"}, "run"'),
        (ONE % b"runs/r/x").replace(b'"run"', b'"dataset": {"a": NaN}, "run"'),
        (ONE % b"runs/r/x").replace(b'"run"', b'"dataset": {"a": 1e999}, "run"'),
        ONE % b"runs/r/../../x",
        ONE % b"elsewhere/x",
        ONE % b"runs/r/x\xff",
    ],
    ids=range(12),
)
def test_an_output_that_cannot_be_read_ends_the_build_with_its_name(build_site: BuildSite, content: bytes) -> None:
    build = build_site.start()
    build_site.storage.write(f"builds/{build.key}/plan-1.json", content)
    build_site.work(1)
    assert fresh(build).state == "failed"
    assert f"builds/{build.key}/plan-1.json" in fresh(build).error


def test_a_worker_that_was_taken_for_dead_and_goes_on_is_believed(build_site: BuildSite) -> None:
    build = build_site.start()
    order_faults(build_site.storage, plan=["gone"])
    build_site.work()
    passed(build_site, build, 61)
    storage = SharedStorage.open(build_site.storage.address)
    assert storage.exists(f"builds/{build.key}/job.json")
    build_site.work(1, is_heard=False)
    ticking.heard([{**build_site.told[-1], "worker": "the dead one"}])
    assert (step_of(build, "plan").state, step_of(build, "plan").worker) == ("done", "the dead one")


def test_a_step_that_failed_finds_the_config_of_its_own_attempt(build_site: BuildSite) -> None:
    build = build_site.start()
    order_faults(build_site.storage, **{CHUNK.replace(":", "__").replace("-", "_"): ["passing"]})
    build_site.work()
    build_site.storage.write(f"builds/{build.key}/job.json", b"what an earlier attempt was slow to write")
    passed(build_site, build, 6)
    job = json.loads(build_site.storage.read(f"builds/{build.key}/job.json"))
    assert (job["attempt"], job["config"]) == (1, build.config)


def test_a_step_that_failed_is_not_tried_again_while_the_storage_is_down(
    build_site: BuildSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = build_site.start()
    order_faults(build_site.storage, **{CHUNK.replace(":", "__").replace("-", "_"): ["passing"]})
    build_site.work()
    assert step_of(build, CHUNK).failures == 1

    def down(*_: object) -> None:
        raise StorageError("the storage cannot be reached")

    with monkeypatch.context() as patched:
        patched.setattr(type(build_site.storage), "write", down)
        for _ in range(5):
            passed(build_site, build, 61)
            assert build_site.queue == []
        assert (fresh(build).state, step_of(build, CHUNK).state) == ("running", "waiting")
    ticking.builds_tick()
    build_site.work()
    assert fresh(build).state == "done"
