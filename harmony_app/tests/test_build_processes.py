"""Local builds as they run on a site: processes that are started, killed, ended, and gone on with."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from attribution.shared_storage import SharedStorage
from harmony_app.tests.servers import ROOT
from studies.tests.build_site import config

pytestmark = pytest.mark.slow


class Machine:
    """A site on SQLite without a web server; its builds are done by the stand-in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "HARMONY_DATA_DIR": str(folder),
            "DATABASE_URL": "",
            "DJANGO_SETTINGS_MODULE": "harmony_app.tests.build_settings",
        }
        self.storage = SharedStorage.open(f"file://{folder}/builds")
        self.config = folder / "study.toml"

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.folder / "harmony.sqlite3", timeout=20) as connection:
            return connection.execute(sql).fetchall()

    def build(self) -> tuple[str, int, str]:
        """State, process and error of the newest build."""
        ((state, pid, error),) = self.ask("SELECT state, pid, error FROM studies_build ORDER BY id DESC LIMIT 1")
        return str(state), int(str(pid or 0)), str(error)

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not is_so():
            assert time.monotonic() < deadline, (self.build(), self.ask("SELECT name, state FROM studies_buildstep"))
            time.sleep(0.05)

    def start_and_hang(self) -> int:
        """Queue a build that stays in its last step; returns the number of its process."""
        self.storage.write("faults.json", b'{"merge": ["slow60"]}')
        queued = self.manage("queue_build", str(self.config))
        assert queued.returncode == 0, queued.stderr
        self.wait_for(lambda: ("running",) in self.ask("SELECT state FROM studies_buildstep WHERE kind = 'merge'"))
        return self.build()[1]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    made = Machine(folder).manage("migrate", "--verbosity", "0")
    assert made.returncode == 0, made.stderr
    return folder / "harmony.sqlite3"


@pytest.fixture
def machine(tables: Path, tmp_path: Path) -> Iterator[Machine]:
    site = Machine(tmp_path)
    with sqlite3.connect(tables) as source, sqlite3.connect(tmp_path / "harmony.sqlite3") as target:
        source.backup(target)
    site.config.write_text(config())
    yield site
    if site.ask("SELECT 1 FROM studies_build") and is_there(site.build()[1]):
        os.kill(site.build()[1], signal.SIGKILL)


def is_there(pid: int) -> bool:
    """Whether a process runs; one that nobody waited for does not."""
    try:
        return pid > 0 and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children_of(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_build_is_queued_and_waited_for_on_the_command_line(machine: Machine) -> None:
    done = machine.manage("queue_build", str(machine.config), "--wait")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is given to a process of this machine" in done.stdout
    assert done.stdout.strip().endswith("built: the study is there")
    assert machine.ask("SELECT slug FROM studies_study") == [("built",)]


def test_waiting_for_a_build_that_fails_ends_with_its_error(machine: Machine) -> None:
    machine.storage.write("faults.json", b'{"plan": ["input"]}')
    done = machine.manage("queue_build", str(machine.config), "--wait")
    assert done.returncode == 1
    assert "built: failed: plan: cannot be done" in done.stderr


def _heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_leaves_the_build_alone_and_says_where_it_is(machine: Machine) -> None:
    machine.storage.write("faults.json", b'{"merge": ["slow60"]}')
    # Unbuffered, so that its first line comes while it waits.
    command = [sys.executable, "-u", "manage.py", "queue_build", str(machine.config), "--wait"]
    waiting = subprocess.Popen(
        command,
        cwd=ROOT,
        env=machine.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell starts in the background, such as these tests, ignores Ctrl-C, and so would this.
        preexec_fn=_heed_ctrl_c,
    )
    assert waiting.stdout is not None
    assert "is given to a process of this machine" in waiting.stdout.readline()
    machine.wait_for(lambda: ("running",) in machine.ask("SELECT state FROM studies_buildstep WHERE kind = 'merge'"))
    waiting.send_signal(signal.SIGINT)
    _, told = waiting.communicate(timeout=60)
    assert waiting.returncode == 1
    assert "the build goes on, and can be cancelled on its page: /builds/" in told
    state, pid, _ = machine.build()
    assert state == "running"
    # The child that takes its time is replaced by one that does not.
    (child,) = children_of(pid)
    os.kill(child, signal.SIGKILL)
    machine.wait_for(lambda: machine.build()[0] == "done")


def test_a_process_that_is_killed_leaves_a_build_that_can_be_gone_on_with(machine: Machine) -> None:
    pid = machine.start_and_hang()
    (child,) = children_of(pid)
    os.kill(pid, signal.SIGKILL)
    machine.wait_for(lambda: not is_there(pid))
    os.kill(child, signal.SIGKILL)
    assert machine.build()[0] == "running"
    again = (
        "from studies.builds.asking import build_retry; from studies.builds.starting import is_dead; "
        "from studies.models import Build; build = Build.objects.get(); assert is_dead(build); "
        "build_retry(build=build, actor=None)"
    )
    done = machine.manage("shell", "-c", again)
    assert done.returncode == 0, done.stderr
    machine.wait_for(lambda: machine.build()[0] == "done")
    made = machine.ask("SELECT name FROM studies_buildstep WHERE sent_at IS NOT NULL ORDER BY id")
    assert made == [("plan",), ("merge",)]


def test_a_process_that_is_asked_to_end_takes_its_child_along(machine: Machine) -> None:
    pid = machine.start_and_hang()
    (child,) = children_of(pid)
    os.kill(pid, signal.SIGTERM)
    machine.wait_for(lambda: not is_there(pid) and not is_there(child))
    state, _, error = machine.build()
    assert state == "failed"
    assert "ended from outside" in error
    assert "goes on from what is finished" in error


def test_a_child_that_runs_out_of_memory_is_replaced(machine: Machine) -> None:
    pid = machine.start_and_hang()
    (child,) = children_of(pid)
    os.kill(child, signal.SIGKILL)
    machine.wait_for(lambda: machine.build()[0] == "done")
    assert machine.ask("SELECT losses FROM studies_buildstep WHERE kind = 'merge'") == [(1,)]


def test_what_finished_builds_have_left_is_told_and_deleted(machine: Machine) -> None:
    machine.manage("queue_build", str(machine.config), "--wait")
    told = machine.manage("tidy_builds")
    assert "run-0123456789: 4 chunks can be deleted" in told.stdout
    assert "nothing was deleted; give --yes" in told.stdout
    assert "4 chunks deleted" in machine.manage("tidy_builds", "--yes").stdout
    left = machine.storage.list("runs")
    assert len(left) == 2
    assert all("/conditions/" in name for name in left)


def test_what_an_unfinished_build_may_need_is_kept(machine: Machine) -> None:
    machine.storage.write("faults.json", b'{"merge": ["input"]}')
    machine.manage("queue_build", str(machine.config), "--wait")
    assert "4 chunks are kept" in machine.manage("tidy_builds", "--yes").stdout
    assert "4 chunks deleted" in machine.manage("tidy_builds", "--yes", "--days", "0").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no-such-file.toml"], "cannot be read"),
        (["{config}", "--owner", "nobody"], "there is no researcher of the name 'nobody'"),
        (["manage.py"], "not valid TOML"),
    ],
)
def test_what_cannot_be_queued_says_why(machine: Machine, arguments: list[str], told: str) -> None:
    done = machine.manage("queue_build", *(one.format(config=machine.config) for one in arguments))
    assert done.returncode == 1
    assert told in done.stderr
