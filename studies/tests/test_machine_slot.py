"""One computation of a kind at a time on a machine."""

import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from studies.machine_slot import BUILDS, REPORTS, machine_slot

HOLD = """
import fcntl, sys
with open(sys.argv[1], "a") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(settings: Settings, tmp_path: Path) -> subprocess.Popen[bytes]:
    """Another process that has the place."""
    settings.DATA_DIR = tmp_path
    command = [sys.executable, "-c", HOLD, str(tmp_path / f"{REPORTS}.lock")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def test_a_free_place_is_had_at_once(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    for _ in range(2):
        with machine_slot(REPORTS, wait=lambda: pytest.fail("it waits")) as has_place:
            assert has_place


def test_whoever_waits_has_the_place_once_the_other_has_died(holder: subprocess.Popen[bytes]) -> None:
    waited: list[int] = []

    def wait() -> bool:
        waited.append(1)
        if len(waited) == 3:
            end(holder)
        return True

    with machine_slot(REPORTS, wait=wait, seconds=0.01) as has_place:
        assert has_place
    assert len(waited) >= 3


def test_whoever_is_not_to_wait_any_more_has_no_place(holder: subprocess.Popen[bytes]) -> None:
    with machine_slot(REPORTS, wait=lambda: False) as has_place:
        assert not has_place
    end(holder)


def test_another_kind_of_work_has_a_place_of_its_own(holder: subprocess.Popen[bytes]) -> None:
    with machine_slot(BUILDS, wait=lambda: pytest.fail("it waits")) as has_place:
        assert has_place
