"""The child of a local build: a process that loads torch, is given one step after the other, and tells how it goes."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from django.conf import settings

ENDING_SECONDS = 15.0
"""For how long a child that was asked to end may take."""
LONGEST_LINE = 1_000_000


class ChildGoneError(RuntimeError):
    """The child has ended by itself; the message is how, with the last lines of its log."""


class Child:
    """`python -m attribution work`: tasks as JSON lines on its input, events as JSON lines on its output."""

    def __init__(self) -> None:
        environment = {"HARMONY_WORK_DIR": str(Path(settings.DATA_DIR) / "work"), **os.environ}
        self.work = Path(settings.BASE_DIR) / (environment["HARMONY_WORK_DIR"] or "var/work")
        self.process = subprocess.Popen(
            [*settings.BUILD_CHILD, "--storage", settings.BUILDS_URL],
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.told: queue.Queue[Mapping[str, Any] | None] = queue.Queue()
        self.log: deque[str] = deque(maxlen=20)
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True),
            threading.Thread(target=self._keep_log, args=(self.process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def give(self, task: str, arguments: Mapping[str, Any]) -> None:
        """Have a step done. Raises ChildGoneError."""
        line = json.dumps({"task": task, "kwargs": arguments}) + "\n"
        try:
            assert self.process.stdin is not None
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise self._gone() from error

    def next(self, seconds: float) -> Mapping[str, Any] | None:
        """What the child tells next; None where it says nothing for so long. Raises ChildGoneError."""
        try:
            told = self.told.get(timeout=seconds)
        except queue.Empty:
            return None
        if told is None:
            raise self._gone()
        return told

    def end(self) -> None:
        """End the child: its input is closed, then it is told, then it is killed."""
        if self.process.stdin is not None:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                self.log.append("it had ended already")
        self.process.terminate()
        try:
            self.process.wait(timeout=ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._join()

    def _gone(self) -> ChildGoneError:
        self.end()
        code = self.process.returncode
        how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
        last = "\n".join(self.log).strip()
        return ChildGoneError(f"the process {how}" + (f"; its last words:\n{last}" if last else ""))

    def _join(self) -> None:
        for reader in self._readers:
            reader.join(timeout=ENDING_SECONDS)

    def _read(self, output: IO[bytes]) -> None:
        with output:
            while line := output.readline(LONGEST_LINE):
                try:
                    told = json.loads(line)
                except ValueError:
                    self.log.append(line.decode(errors="replace").rstrip()[:500])
                    continue
                if isinstance(told, dict):
                    self.told.put(told)
        self.told.put(None)

    def _keep_log(self, output: IO[bytes]) -> None:
        with output:
            while line := output.readline(LONGEST_LINE):
                text = line.decode(errors="replace")
                self.log.append(text.rstrip()[:500])
                sys.stderr.write(text)
