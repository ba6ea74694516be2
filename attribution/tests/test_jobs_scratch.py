"""The scratch folder of workers stays within its bounds, and nobody loses what they work with."""

import fcntl
import os
import time
from pathlib import Path

import pytest

from attribution.errors import InputError
from attribution.jobs.scratch import drop_unfinished, tidy
from attribution.jobs.settings import work_bytes
from attribution.tests.steps import BUILD, SmallBuild

SIZE = 64 * 1024
HOUR = 3600


def put(path: Path, hours: float) -> Path:
    """A file that was used so many hours ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(SIZE))
    then = time.time() - hours * HOUR
    os.utime(path, (then, then))
    os.utime(path.parent, (then, then))
    return path


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    old, middle, new = (put(tmp_path / "finetuned" / f"{hours}.pt", hours) for hours in (9, 5, 2))
    images = put(tmp_path / "cache" / "torch-1" / "decoded-a" / "images.npy", 7)
    tidy(tmp_path, 2.5 * SIZE)
    assert [path.exists() for path in (old, images, middle, new)] == [False, False, True, True]
    assert not images.parent.exists()


def test_nothing_goes_while_there_is_room(tmp_path: Path) -> None:
    files = [put(tmp_path / "finetuned" / f"{hours}.pt", hours) for hours in (900, 500)]
    tidy(tmp_path, 2.5 * SIZE)
    assert all(path.exists() for path in files)


def test_what_may_be_in_use_stays_however_much_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    network = put(tmp_path / "finetuned" / "a.pt", 0.5)
    training = put(tmp_path / "training" / "gpu-0" / "b.pt", 20)
    bundle = put(tmp_path / "making" / "gpu-0-build" / "1.zip", 20)
    tidy(tmp_path, 1)
    assert all(path.exists() for path in (network, training, bundle))
    assert "all of it in use" in caplog.text


def test_what_killed_processes_have_left_goes_after_a_day(tmp_path: Path) -> None:
    training = put(tmp_path / "training" / "gpu-0" / "b.pt", 25)
    bundle = put(tmp_path / "making" / "gpu-0-build" / "1.zip", 25)
    download = put(tmp_path / "finetuned" / ".0123456789abcdef.tmp", 25)
    checkpoint = put(tmp_path / "training" / "gpu-0" / "c.pt.tmp", 25)
    tidy(tmp_path, 1)
    assert [path.exists() for path in (training, bundle, download, checkpoint)] == [False] * 4


def test_maps_go_together_and_leave_their_lock(tmp_path: Path) -> None:
    cache = tmp_path / "cache" / "torch-1"
    lock = cache / "maps-a.lock"
    files = [put(cache / f"maps-a-{what}.npy", 3) for what in ("attributor0", "logits", "done")]
    lock.touch()
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        tidy(tmp_path, 1)
        assert all(path.exists() for path in files)
    tidy(tmp_path, 1)
    assert sorted(path.name for path in cache.iterdir()) == ["maps-a.lock"]


def test_a_process_drops_its_own_half_made_bundles_alone(tmp_path: Path) -> None:
    own, other = (put(tmp_path / "making" / f"{slot}-{BUILD}" / "1.zip", 0) for slot in ("gpu@a-0", "gpu@a-0-0"))
    drop_unfinished(tmp_path, "gpu@a-0")
    assert not own.exists()
    assert other.exists()


@pytest.mark.parametrize("told", ["0", "-1", "much", "nan"])
def test_a_bound_that_is_no_amount_is_refused(told: str) -> None:
    with pytest.raises(InputError, match="HARMONY_WORK_GIBIBYTES"):
        work_bytes({"HARMONY_WORK_GIBIBYTES": told})


def test_a_build_goes_on_when_all_that_it_kept_is_deleted_meanwhile(small_run: Path, tmp_path: Path) -> None:
    build = SmallBuild(small_run, tmp_path)
    bench = build.bench(HARMONY_WORK_GIBIBYTES="0.01")
    plan = build.plan(bench)
    for told in build.finetuned(bench, plan):
        for number, chunk in enumerate(told["chunks"]):
            if number == 1:
                for path in sorted((tmp_path / "work").rglob("*")):
                    os.utime(path, (1, 1))
                tidy(tmp_path / "work", 1)
            build.chunk(bench, chunk)
    assert not list((tmp_path / "work").rglob("images.npy"))
    assert build.merge(bench)["manifest"]["pairs"]["exported"] > 0
