"""Processes under one parent: shown, ended in order, and never left behind. The parent is a process of its own here."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harmony_app.tests.servers import ROOT

PARENT = """
import sys
from pathlib import Path
from harmony_app.local_servers import ServerError
from harmony_app.supervision import StoppedError, Supervisor

folder = Path(sys.argv[1])
supervisor = Supervisor(folder / "logs")

def start(name, code, **options):
    command = [sys.executable, "-u", "-c", code]
    return supervisor.start(name, command, environment={}, folder=folder, **options)

try:
    exec(sys.argv[2])
except StoppedError:
    print("told to end", flush=True)
except ServerError as error:
    print(f"error: {error}", flush=True)
finally:
    supervisor.stop()
    print("left", flush=True)
"""

# Writes a line into the file `ended` when it is asked to end.
POLITE = """
import signal, sys, time
def end(*_):
    with open("ended", "a") as file:
        file.write("{name}\\n")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("{name} runs")
while True:
    time.sleep(0.01)
"""

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("it runs")
while True:
    time.sleep(0.01)
"""

# Ends when asked to, and leaves a child that does not.
WITH_CHILD = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-u", "-c", {STUBBORN!r}])
print("child", child.pid)
while True:
    time.sleep(0.01)
"""

Run = Callable[[str], subprocess.Popen[str]]
# For what takes a moment: long enough for a busy machine.
SECONDS = 90


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run code with a supervisor in a process of its own, with `POLITE` and so on at hand."""

    def start(code: str) -> subprocess.Popen[str]:
        given = f"POLITE, STUBBORN, WITH_CHILD = {POLITE!r}, {STUBBORN!r}, {WITH_CHILD!r}\n{code}"
        return subprocess.Popen(
            [sys.executable, "-u", "-c", PARENT, str(tmp_path), given],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start


TWO = """
for name in ("first", "second"):
    start(name, POLITE.replace("{name}", name))
supervisor.watch(may_end=[])
"""


def until_lines(parent: subprocess.Popen[str], *words: str) -> list[str]:
    """Read what the parent prints until there was a line with each of these words, in any order; returns them."""
    assert parent.stdout is not None
    found: dict[str, str] = {}
    # Without it a line that never comes would be waited for as long as the parent lives.
    limit = threading.Timer(SECONDS, parent.kill)
    limit.start()
    try:
        for line in parent.stdout:
            found |= {word: str(line) for word in words if word in line and word not in found}
            if len(found) == len(words):
                return [found[word] for word in words]
    finally:
        limit.cancel()
    raise AssertionError(f"{set(words) - set(found)} was never printed")


def until_line(parent: subprocess.Popen[str], words: str) -> str:
    """Read what the parent prints up to a line with these words; returns that line."""
    return until_lines(parent, words)[0]


def until(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_lines_have_the_name_of_the_process_in_front(run: Run) -> None:
    parent = run(TWO)
    first, second = until_lines(parent, "first runs", "second runs")
    assert "| first runs" in first
    assert "second " in second
    parent.terminate()
    parent.communicate(timeout=SECONDS)


def test_of_a_progress_bar_the_end_is_shown(run: Run) -> None:
    parent = run("""
start("bar", "print('10 %', '50 %', '100 %', sep=chr(13))")
supervisor.watch(may_end=["bar"])
""")
    until_line(parent, "| 100 %")
    until_line(parent, "bar has ended")
    parent.terminate()
    assert "50 %" not in parent.communicate(timeout=SECONDS)[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_last_one_started_ends_first(run: Run, tmp_path: Path, number: signal.Signals) -> None:
    parent = run(TWO)
    until_lines(parent, "first runs", "second runs")
    parent.send_signal(number)
    printed, _ = parent.communicate(timeout=SECONDS)
    assert (tmp_path / "ended").read_text() == "second\nfirst\n"
    assert "told to end" in printed
    assert printed.endswith("left\n")


def test_one_that_ends_by_itself_ends_the_others(run: Run, tmp_path: Path) -> None:
    parent = run(f"""
start("lasting", {POLITE.replace("{name}", "lasting")!r})
start("short", "import sys; print('a reason'); sys.exit(3)")
supervisor.watch(may_end=[])
""")
    printed, _ = parent.communicate(timeout=SECONDS)
    assert "error: short ended by itself (3)" in printed
    assert "| a reason" in printed
    assert "left" in printed
    assert (tmp_path / "logs" / "short.log").read_text() == "a reason\n"


def test_one_that_keeps_ending_is_started_again_so_often_and_then_ends_the_others(run: Run, tmp_path: Path) -> None:
    parent = run(f"""
start("lasting", {POLITE.replace("{name}", "lasting")!r})
start("short", "print('a reason')", restarts=2)
supervisor.watch(may_end=[])
""")
    printed, _ = parent.communicate(timeout=SECONDS)
    assert "short ended by itself (0); started again in 1 s (1 of 2)" in printed
    assert "short ended by itself (0); started again in 2 s (2 of 2)" in printed
    assert "error: short ended by itself (0)" in printed
    assert (tmp_path / "logs" / "short.log").read_text() == 3 * "a reason\n"
    assert printed.count("| a reason") == 3


def test_one_that_may_end_ends_alone(run: Run) -> None:
    parent = run("""
start("lasting", POLITE.replace("{name}", "lasting"))
start("short", "print('done')")
supervisor.watch(may_end=["short"])
""")
    until_line(parent, "short has ended (0)")
    assert parent.poll() is None
    parent.terminate()
    assert "told to end" in parent.communicate(timeout=SECONDS)[0]


def test_a_failed_command_is_told_with_its_status(run: Run) -> None:
    parent = run("supervisor.run('once', ['/bin/sh', '-c', 'echo why >&2; exit 7'], environment={}, folder=folder)")
    printed, _ = parent.communicate(timeout=SECONDS)
    assert "| why" in printed
    assert "error: once failed (7)" in printed


def test_one_that_never_gets_ready_is_given_up(run: Run) -> None:
    parent = run("""
part = start("slow", POLITE.replace("{name}", "slow"))
supervisor.wait_for(part, lambda: False, 0.2)
""")
    assert "error: slow is not ready after 0.2 s" in parent.communicate(timeout=SECONDS)[0]


def test_one_that_does_not_end_in_its_time_is_killed(run: Run) -> None:
    parent = run("start('stubborn', STUBBORN, seconds=0.3); supervisor.watch(may_end=[])")
    until_line(parent, "it runs")
    parent.terminate()
    started = time.monotonic()
    assert parent.communicate(timeout=SECONDS)[0].endswith("left\n")
    assert time.monotonic() - started < 20, "unless told otherwise it would have had 30 s"


def test_whoever_asks_twice_does_not_wait(run: Run) -> None:
    parent = run("start('stubborn', STUBBORN, seconds=600); supervisor.watch(may_end=[])")
    until_line(parent, "it runs")
    parent.send_signal(signal.SIGINT)
    until_line(parent, "ending stubborn")
    parent.send_signal(signal.SIGINT)
    assert parent.communicate(timeout=SECONDS)[0].endswith("left\n")


def test_what_a_process_left_behind_is_ended_with_it(run: Run) -> None:
    parent = run("start('with-child', WITH_CHILD); supervisor.watch(may_end=[])")
    child = int(until_line(parent, "child ").split()[-1])
    parent.terminate()
    parent.communicate(timeout=SECONDS)
    until(lambda: is_gone(child), "the child still runs")


@pytest.mark.parametrize("whom", ["the parent alone", "its whole group"])
def test_when_the_parent_is_killed_the_guard_ends_everything_in_order(run: Run, tmp_path: Path, whom: str) -> None:
    parent = run(TWO)
    until_lines(parent, "first runs", "second runs")
    if whom == "the parent alone":
        parent.kill()
    else:
        os.killpg(parent.pid, signal.SIGKILL)
    ended = tmp_path / "ended"
    until(lambda: ended.exists() and ended.read_text() == "second\nfirst\n", "not everything ended")
    # The pipe closes once the guard has gone as well.
    printed, _ = parent.communicate(timeout=SECONDS)
    assert "left" not in printed


def test_nothing_is_started_after_the_end_was_asked_for(run: Run, tmp_path: Path) -> None:
    parent = run("""
import os, signal
os.kill(os.getpid(), signal.SIGTERM)
start("late", POLITE.replace("{name}", "late"))
""")
    assert "told to end" in parent.communicate(timeout=SECONDS)[0]
    assert not (tmp_path / "logs" / "late.log").exists()
