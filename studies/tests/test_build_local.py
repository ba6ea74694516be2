"""Builds without a broker: one process of this machine, and its child."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from attribution.shared_storage import SharedStorage
from studies.builds import hearing, local, steps
from studies.builds import storage as storage_names
from studies.builds.asking import build_cancel, build_queue, build_retry
from studies.builds.child import Child
from studies.builds.local import build_run
from studies.builds.selectors import build_progress
from studies.builds.starting import is_dead
from studies.builds.steps import steps_of
from studies.machine_slot import BUILDS, machine_slot
from studies.models import Build, BuildLine, Study
from studies.tests.build_site import ago, config, fresh, states, step_of

STAND_IN = [sys.executable, "-m", "studies.tests.build_worker"]


@pytest.fixture
def storage(db: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SharedStorage:
    settings.BUILDS = "process"
    settings.BUILDS_URL = f"file://{tmp_path}/builds"
    settings.DATA_DIR = tmp_path
    settings.BUILD_CHILD = STAND_IN
    monkeypatch.setattr(local, "PAUSE_SECONDS", 0.01)
    return SharedStorage.open(settings.BUILDS_URL)


@pytest.fixture
def build(storage: SharedStorage) -> Build:
    return build_queue(owner=None, text=config(), file_name="study.toml", trusted=True)


def run(build: Build) -> bool:
    return build_run(key=build.key, attempt=fresh(build).attempt)


def order(storage: SharedStorage, step: str, *faults: str) -> None:
    listed = ", ".join(f'"{fault}"' for fault in faults)
    storage.write("faults.json", f'{{"{step}": [{listed}]}}'.encode())


def test_a_process_does_the_whole_build(build: Build) -> None:
    assert run(build)
    done = fresh(build)
    assert (done.state, done.error, done.host, done.pid) == ("done", "", socket.gethostname(), os.getpid())
    assert set(states(build).values()) == {"done"}
    assert Study.objects.filter(slug="built").exists()


def test_a_build_that_is_done_is_not_done_again(build: Build) -> None:
    run(build)
    assert not run(build)


def test_a_build_that_another_process_does_is_left_to_it(build: Build) -> None:
    Build.objects.filter(pk=build.pk).update(host="elsewhere", pid=1, seen_at=ago(5))
    assert not run(build)
    Build.objects.filter(pk=build.pk).update(seen_at=ago(61))
    assert run(build)


@pytest.mark.parametrize("step", ["plan", "finetune:rma-gradcam", "chunk:rma-gradcam:0002", "merge"])
def test_a_child_that_is_killed_is_started_again(build: Build, storage: SharedStorage, step: str) -> None:
    order(storage, step, "killed")
    run(build)
    assert fresh(build).state == "done"
    assert step_of(build, step).losses == 1


def test_a_step_that_always_kills_the_child_ends_the_build(build: Build, storage: SharedStorage) -> None:
    order(storage, "chunk:rma-gradcam:0002", *["killed"] * 9)
    run(build)
    failed = fresh(build)
    assert failed.state == "failed"
    assert "images 5 to 6 of RMA x GradCAM" in failed.error
    assert "ended by signal 9" in failed.error
    assert "It was ended in: the maps of chunk:rma-gradcam:0002" in failed.error
    assert "the stand-in has begun" in failed.error
    build_retry(build=failed, actor=None)
    storage.remove("faults.json")
    run(build)
    assert fresh(build).state == "done"


def test_a_step_that_ends_without_a_word_is_done_again(build: Build, storage: SharedStorage) -> None:
    order(storage, "merge", "silent")
    run(build)
    assert fresh(build).state == "done"
    assert step_of(build, "merge").losses == 1


def test_what_may_pass_is_tried_again(build: Build, storage: SharedStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "WAITS", (0, 0, 0))
    order(storage, "merge", "passing", "passing")
    run(build)
    assert (fresh(build).state, step_of(build, "merge").failures) == ("done", 2)


def test_the_config_is_written_again_for_a_step_that_failed(
    build: Build, storage: SharedStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "WAITS", (0, 0, 0))
    whole: Any = storage_names.write_job
    written: list[int] = []

    def counted(present: Build) -> None:
        written.append(present.attempt)
        whole(present)

    monkeypatch.setattr(local, "write_job", counted)
    order(storage, "merge", "passing")
    run(build)
    assert (fresh(build).state, written) == ("done", [1, 1])


def test_an_error_in_the_config_ends_the_build_with_its_text(build: Build, storage: SharedStorage) -> None:
    order(storage, "plan", "input")
    run(build)
    assert (fresh(build).state, fresh(build).error) == ("failed", "plan: cannot be done")


def test_a_machine_without_torch_says_what_to_install(build: Build, settings: Settings) -> None:
    settings.BUILD_CHILD = [sys.executable, "-c", "import no_torch_here"]
    run(build)
    assert fresh(build).state == "failed"
    assert "No module named 'no_torch_here'" in fresh(build).error
    assert "bin/install all" in fresh(build).error


def test_a_child_that_cannot_be_started_at_all_ends_the_build(build: Build, settings: Settings) -> None:
    settings.BUILD_CHILD = ["/no/such/program"]
    run(build)
    assert fresh(build).state == "failed"
    assert "/no/such/program" in fresh(build).error


def test_a_child_that_says_nothing_any_more_is_killed(
    build: Build, storage: SharedStorage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "LOOK_SECONDS", 0.05)
    order(storage, "merge", "slow60")
    beat: Callable[[Build], bool] = local._beat

    class Started(Child):
        def __init__(self) -> None:
            # A child that begins may say nothing for long, on a busy machine.
            settings.BUILD_SILENT_SECONDS = 60.0
            super().__init__()

    def impatient_while_it_merges(present: Build) -> bool:
        merge = steps_of(present).filter(name="merge").first()
        if merge is not None and merge.state == "running" and merge.losses == 0:
            settings.BUILD_SILENT_SECONDS = 0.2
        return beat(present)

    monkeypatch.setattr(local, "Child", Started)
    monkeypatch.setattr(local, "_beat", impatient_while_it_merges)
    run(build)
    assert fresh(build).state == "done"
    assert step_of(build, "merge").losses == 1


def test_cancelling_ends_the_child_in_the_middle_of_a_step(
    build: Build, storage: SharedStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "LOOK_SECONDS", 0.05)
    order(storage, "merge", "slow60")
    beat: Callable[[Build], bool] = local._beat

    def cancelled_while_it_merges(present: Build) -> bool:
        if fresh(build).is_under_way and states(build).get("merge") == "running":
            build_cancel(build=fresh(build), actor=None)
        return beat(present)

    monkeypatch.setattr(local, "_beat", cancelled_while_it_merges)
    run(build)
    assert fresh(build).state == "cancelled"
    assert storage.exists(f"builds/{build.key}/cancelled-1")
    assert not Study.objects.exists()


def test_a_build_that_is_cancelled_before_its_turn_is_not_begun(build: Build) -> None:
    build_cancel(build=build, actor=None)
    assert not run(build)


def test_of_two_builds_on_a_machine_one_waits(
    build: Build, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    waited: list[str] = []
    beat: Callable[[Build], bool] = local._beat

    def cancelled_while_it_waits(present: Build) -> bool:
        waited.append(fresh(build).state)
        build_cancel(build=fresh(build), actor=None)
        return beat(present)

    monkeypatch.setattr(local, "_beat", cancelled_while_it_waits)
    with machine_slot(BUILDS, wait=lambda: False) as has_place:
        assert has_place
        assert not run(build)
    assert waited == ["queued"]
    assert not BuildLine.objects.filter(text="plan: done").exists()


def test_whatever_else_the_child_prints_is_no_event(build: Build, settings: Settings) -> None:
    talk = "print('hello'); print('[1, 2]'); print('{\"events\": 7}'); import studies.tests.build_worker as w; w.main()"
    settings.BUILD_CHILD = [sys.executable, "-c", talk]
    run(build)
    assert fresh(build).state == "done"


def test_a_storage_that_cannot_be_written_is_waited_for(
    build: Build, storage: SharedStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "STORAGE_SECONDS", 0.01)
    whole: Any = storage_names.write_job
    refused: list[Build] = []

    def once(present: Build) -> None:
        if not refused:
            refused.append(present)
            raise OSError("no space left")
        whole(present)

    monkeypatch.setattr(local, "write_job", once)
    run(build)
    assert (fresh(build).state, len(refused)) == ("done", 1)


def test_a_process_that_is_gone_is_noticed_and_the_build_goes_on_elsewhere(build: Build) -> None:
    assert not is_dead(build)
    Build.objects.filter(pk=build.pk).update(state="running", host=socket.gethostname(), pid=2**22 + 1)
    assert is_dead(fresh(build))
    assert build_progress(fresh(build)).is_stalled
    # The number is taken, by a process that is no build.
    Build.objects.filter(pk=build.pk).update(pid=os.getppid())
    assert is_dead(fresh(build))
    again = build_retry(build=fresh(build), actor=None)
    assert (again.attempt, again.pid) == (2, None)
    run(build)
    assert fresh(build).state == "done"


def test_a_process_that_never_began_is_noticed(build: Build) -> None:
    Build.objects.filter(pk=build.pk).update(requested_at=ago(61))
    assert is_dead(fresh(build))


def test_a_database_that_is_gone_for_a_moment_is_waited_for(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "DATABASE_SECONDS", 0.01)
    # The test's own connection stays.
    monkeypatch.setattr(connection, "close", lambda: None)
    whole: Any = hearing.events_take
    failures = [OperationalError("the connection was closed")] * 3

    def now_and_then(**given: Any) -> Any:
        if failures:
            raise failures.pop()
        return whole(**given)

    monkeypatch.setattr(local, "events_take", now_and_then)
    run(build)
    assert (fresh(build).state, failures) == ("done", [])


def test_a_fault_of_the_program_is_noted_and_raised(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_given: object) -> None:
        raise KeyError("a fault")

    monkeypatch.setattr(local, "build_advance", broken)
    with pytest.raises(KeyError):
        run(build)
    assert fresh(build).state == "failed"
    assert "KeyError: 'a fault'" in fresh(build).error
