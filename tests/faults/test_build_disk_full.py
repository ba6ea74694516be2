"""No room for what builds write: the kernel refuses to let files grow in one process, and later allows it again."""

from typing import Any

import pytest

from tests.faults.build_reference import Reference
from tests.faults.build_site import BuildSite, Run

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@pytest.mark.parametrize(
    ("kind", "most_bytes"), [("finetune", 600), ("finetune", 30_000), ("chunk", 600), ("merge", 600)]
)
def test_a_step_without_room_is_tried_again_and_goes_on_once_there_is_room(
    build_site: BuildSite, references: dict[str, Reference], kind: str, most_bytes: int
) -> None:
    held = build_site.order(kind, "begun", "hold")
    run = Run(build_site, references["small"])
    with build_site.full_disk([run.until_held(held)], most_bytes):
        # It, or another step, is not tried before there is room again.
        next_try = build_site.order(kind, "begun", "hold")
        held.release()
        told = run.until(lambda told: any(step["failures"] for step in told["steps"]), "a step fails")
        failed = next(step for step in told["steps"] if step["failures"])
        assert failed["kind"] == kind
        assert "OSError: [Errno 27] File too large" in failed["error"]
        assert told["state"] == "running"
    next_try.release()
    told = run.ends_right(f"no room for the output of a step of kind {kind} ({most_bytes} bytes), then room again")
    assert told["attempt"] == 1


def test_a_build_without_room_for_long_fails_and_its_retry_goes_on(
    build_site: BuildSite, references: dict[str, Reference]
) -> None:
    held = build_site.order("chunk", "begun", "hold")
    run = Run(build_site, references["small"])
    with build_site.full_disk([run.until_held(held)]):
        held.release()
        told = run.until_in("failed")
        assert "File too large" in told["error"]
        assert "Try again once the cause is gone" in told["error"]
    tuned = build_site.carried_out("finetune")
    run.retry()
    told = run.ends_right("no room for chunks, for long", "it fails and says so; the retry goes on")
    assert told["attempt"] == 2
    assert build_site.carried_out("finetune") == tuned


def test_a_study_without_room_for_its_bundle_is_loaded_once_there_is_room(
    build_site: BuildSite, references: dict[str, Reference]
) -> None:
    held = build_site.order("merge", "begun", "hold")
    run = Run(build_site, references["small"])
    run.until_held(held)
    with build_site.one_import(), build_site.full_disk(build_site.children("default"), 40_000):
        held.release()
        told = run.until(_has_failed_to_load, "the import fails")
        assert told["study"] is None
    told = run.ends_right("no room for the bundle on the web side, then room again")
    assert told["attempt"] == 1


@pytest.mark.parametrize("part", ["unpack_bundle", "_load"])
def test_a_study_without_room_for_its_pictures_is_loaded_once_there_is_room(
    build_site: BuildSite, references: dict[str, Reference], part: str
) -> None:
    with build_site.one_import():
        (build_site.faults / part).touch()
        run = Run(build_site, references["small"])
        told = run.until(_has_failed_to_load, "the import fails")
        assert told["study"] is None
        (build_site.faults / part).unlink()
    where = "unpack the bundle" if part == "unpack_bundle" else "copy its pictures"
    told = run.ends_right(f"no room to {where} on the web side, then room again")
    assert told["attempt"] == 1


def _has_failed_to_load(told: dict[str, Any]) -> bool:
    return any(step["kind"] == "import" and step["failures"] for step in told["steps"])
