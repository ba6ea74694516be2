"""Several processes under one parent: their lines with names in front, an orderly end, and nothing left behind.

The parent starts them one after the other and ends them in the opposite order. A guard, a second process that does
nothing but wait, ends them if the parent itself is killed.
"""

import contextlib
import datetime
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from honcho.colour import get_colours
from honcho.printer import Message, Printer

from harmony_app.local_servers import ServerError, group_of

POLL_SECONDS = 0.05
WIDTH = 14
# One that ran for so long is no longer counted as one that keeps ending.
STEADY_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 30.0


class StoppedError(RuntimeError):
    """The parent was told to end, by Ctrl-C or a signal."""


@dataclass
class Part:
    """A process with a process group of its own, which writes into a file of its own."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]
    ending: signal.Signals
    seconds: float
    colour: str
    launch: Callable[[str], subprocess.Popen[bytes]]
    # How often in a row it is started again when it ends by itself, how often it was, and when it will be.
    restarts: int = 0
    restarted: int = 0
    due: float | None = None
    begun: float = field(default_factory=time.monotonic)
    # How far the file was shown.
    shown: int = field(default=0)

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def account(self, what: str) -> str:
        """Return a sentence on what became of it."""
        status = self.process.returncode
        return f"{self.name} {what}{'' if status is None else f' ({status})'}; what it said is above, and in {self.log}"


class Supervisor:
    """Starts processes, shows what they write, and ends them."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.logs = logs
        self.parts: list[Part] = []
        self.is_stopping = False
        self._hurries = False
        self._printer = Printer(sys.stdout, width=WIDTH)
        self._colours = get_colours()
        self._guard = _Guard()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._told_to_stop)

    def _told_to_stop(self, number: int, frame: object) -> None:
        # Whoever asks twice does not want to wait.
        self._hurries = self.is_stopping
        self.is_stopping = True

    def say(self, text: str) -> None:
        """Print a line of the parent's own."""
        self._print("up", text, None)

    def _print(self, name: str, text: str, colour: str | None) -> None:
        now = datetime.datetime.now().astimezone()
        # A terminal that was closed is no reason to leave the processes behind.
        with contextlib.suppress(OSError, ValueError):
            self._printer.write(Message("line", text, now, name, colour))

    def start(
        self,
        name: str,
        command: str | Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        user: str | None = None,
        ending: signal.Signals = signal.SIGTERM,
        seconds: float = 30,
        restarts: int = 0,
    ) -> Part:
        """Start a process; a command in one text is a shell's. `ending` asks it to end, within `seconds`.

        While it is watched it is started again when it ends by itself, `restarts` times in a row, ever later.
        """
        if self.is_stopping:
            raise StoppedError
        log = self.logs / f"{name}.log"
        words = ["/bin/sh", "-c", f"exec {command}"] if isinstance(command, str) else list(command)

        def launch(mode: str) -> subprocess.Popen[bytes]:
            with log.open(mode) as output:
                return subprocess.Popen(
                    words,
                    cwd=folder,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    user=user,
                    group=group_of(user),
                    extra_groups=None if user is None else [],
                    start_new_session=True,
                )

        part = Part(name, log, launch("wb"), ending, seconds, next(self._colours), launch, restarts)
        self._guard.started(part)
        self.parts.append(part)
        return part

    def run(self, name: str, command: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> None:
        """Run a process to its end. Raises ServerError if it fails."""
        part = self.start(name, command, environment=environment, folder=folder)
        while part.is_running:
            self._pause()
        self._show()
        self._forget(part)
        if part.process.returncode != 0:
            raise ServerError(part.account("failed"))

    def wait_for(self, part: Part, is_ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `is_ready`. Raises ServerError when the process ends before, or takes longer."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            if not part.is_running:
                self._show()
                raise ServerError(part.account("ended while it started"))
            if time.monotonic() > deadline:
                raise ServerError(part.account(f"is not ready after {seconds:g} s"))
            self._pause()

    def watch(self, may_end: Sequence[str]) -> None:
        """Show what the processes write until told to stop, and start those again that end by themselves.

        Raises ServerError when one ends for good that may not.
        """
        while True:
            for part in [part for part in self.parts if not part.is_running]:
                if part.due is not None:
                    self._restart_if_due(part)
                    continue
                self._show()
                if part.name in may_end:
                    self._forget(part)
                    self.say(f"{part.name} has ended ({part.process.returncode})")
                else:
                    self._plan_restart(part)
            self._pause()

    def _plan_restart(self, part: Part) -> None:
        # What it has left behind would get in the way of the next one.
        _kill_group(part.process.pid)
        now = time.monotonic()
        if now - part.begun >= STEADY_SECONDS:
            part.restarted = 0
        if part.restarted >= part.restarts:
            self._forget(part)
            raise ServerError(part.account("ended by itself"))
        self._guard.ended(part)
        pause = min(LONGEST_PAUSE_SECONDS, 2.0**part.restarted)
        part.restarted += 1
        part.due = now + pause
        which = f"{part.restarted} of {part.restarts}"
        self.say(f"{part.name} ended by itself ({part.process.returncode}); started again in {pause:g} s ({which})")

    def _restart_if_due(self, part: Part) -> None:
        if part.due is not None and time.monotonic() >= part.due:
            part.due = None
            part.process = part.launch("ab")
            part.begun = time.monotonic()
            self._guard.started(part)

    def _pause(self) -> None:
        self._show()
        if self.is_stopping:
            raise StoppedError
        time.sleep(POLL_SECONDS)

    def _show(self) -> None:
        """Print the whole lines that were written since the last time."""
        for part in self.parts:
            with part.log.open("rb") as file:
                file.seek(part.shown)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            part.shown += len(whole)
            for line in whole.decode(errors="replace").split("\n")[:-1]:
                # Of a progress bar, which goes back to the start of its line, the end.
                self._print(part.name, line.rstrip("\r").rpartition("\r")[2], part.colour)

    def _forget(self, part: Part) -> None:
        self.parts.remove(part)
        self._guard.ended(part)

    def stop(self) -> None:
        """End every process, the last one first."""
        self.is_stopping = True
        for part in list(reversed(self.parts)):
            self.say(f"ending {part.name}")
            if part.is_running:
                part.process.send_signal(part.ending)
            deadline = time.monotonic() + part.seconds
            while part.is_running and time.monotonic() < deadline and not self._hurries:
                self._show()
                time.sleep(POLL_SECONDS)
            # Also what it started and left behind.
            _kill_group(part.process.pid)
            part.process.wait()
            self._show()
            self._forget(part)
        self._guard.leave()


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _is_running(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        pass
    if Path("/proc/self").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class _Guard:
    """A process that is told by a pipe what runs, and ends it all when the pipe breaks without a farewell."""

    def __init__(self) -> None:
        reading, self._writing = os.pipe()
        sys.stdout.flush()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._writing)
            # A session of its own: what kills the parent's whole group does not reach it.
            os.setsid()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            with os.fdopen(reading) as told:
                _guard(told)
            os._exit(0)
        os.close(reading)

    def _tell(self, line: str) -> None:
        # Without its guard the parent still ends what it started.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._writing, f"{line}\n".encode())

    def started(self, part: Part) -> None:
        self._tell(f"started {part.process.pid} {int(part.ending)} {part.seconds}")

    def ended(self, part: Part) -> None:
        self._tell(f"ended {part.process.pid}")

    def leave(self) -> None:
        self._tell("farewell")
        os.close(self._writing)
        os.waitpid(self._pid, 0)


def _guard(told: Iterable[str]) -> None:
    running: dict[int, tuple[signal.Signals, float]] = {}
    for line in told:
        match line.split():
            case ["started", pid, ending, seconds]:
                running[int(pid)] = (signal.Signals(int(ending)), float(seconds))
            case ["ended", pid]:
                running.pop(int(pid), None)
            case ["farewell"]:
                return
    for left, (how, limit) in reversed(running.items()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(left, how)
        deadline = time.monotonic() + limit
        while _is_running(left) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        _kill_group(left)
