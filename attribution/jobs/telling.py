"""What a worker tells of the steps that it carries out: a few messages a second, whatever it does.

Messages may be lost: what counts is what lies in the storage.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from attribution.printable import without_secrets

Event = dict[str, Any]
Send = Callable[[list[Event]], None]

FLUSH_SECONDS = 0.3
BEAT_SECONDS = 5.0
MOST_EVENTS = 500
MOST_LINES = 100
MOST_TEXT = 4000


class Cancelled(Exception):  # noqa: N818 - it is no error
    """The build was cancelled; what is finished stays."""


class NotSentError(RuntimeError):
    """The messages could not be sent now; they are kept."""


class Teller:
    """Gathers events and sends them from a thread of its own, with signs of life of the step under way.

    `send` raises NotSentError where nobody can be reached; the ends of steps are then kept for later. `is_cancelled` is
    asked at every sign of life.
    """

    def __init__(self, send: Send, worker: str, is_cancelled: Callable[[str, int], bool]) -> None:
        self._send = send
        self._worker = worker
        self._is_cancelled = is_cancelled
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._ends: list[Event] = []
        self._current: Event | None = None
        self._is_news = False
        self._stop: type[Cancelled] | None = None
        self._lines: list[list[Any]] = []
        self._thread: threading.Thread | None = None
        self._closed = False

    @contextlib.contextmanager
    def step(self, build: str, attempt: int, step: str) -> Iterator[None]:
        """Signs of life of this step during the block."""
        self._start()
        with self._lock:
            self._current = {"build": build, "attempt": attempt, "step": step, "what": "", "done": 0, "total": 0}
            self._is_news = True
            self._stop = None
        # So that somebody hears of a step that takes long soon, and of a short one only that it is done.
        try:
            yield
        finally:
            with self._lock:
                self._current = None

    def progress(self, what: str, done: int, total: int) -> None:
        """Tell how far the step is. Raises Cancelled if its build was cancelled."""
        with self._lock:
            if self._stop is not None:
                raise self._stop
            if self._current is not None:
                self._current.update(what=what[:300], done=done, total=total)
                self._is_news = True

    def line(self, level: str, text: str) -> None:
        """A line for the build's log."""
        with self._lock:
            if len(self._lines) < MOST_LINES:
                self._lines.append([time.time(), level, text[:MOST_TEXT]])

    def ended(self, build: str, attempt: int, step: str, **rest: Any) -> None:
        """Tell that a step is done, has failed or was cancelled."""
        with self._lock:
            event = {"build": build, "attempt": attempt, "step": step, **rest}
            self._ends.append(self._signed(event))

    def close(self) -> None:
        """Send what is left, and tell nothing more."""
        self._closed = True
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
        with contextlib.suppress(NotSentError):
            self.flush()

    def _start(self) -> None:
        # Not before the first step: threads do not survive the fork of a worker's processes. One that an error has
        # ended which nobody foresaw would leave all further steps without a sign of life.
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._go_on, name="telling", daemon=True)
            self._thread.start()

    def _go_on(self) -> None:
        beaten = time.monotonic()
        while not self._closed:
            self._woken.wait(FLUSH_SECONDS)
            if time.monotonic() - beaten >= BEAT_SECONDS:
                beaten = time.monotonic()
                self._is_news = True
                self._look_whether_cancelled()
            with contextlib.suppress(NotSentError):
                self.flush()

    def _look_whether_cancelled(self) -> None:
        with self._lock:
            current = self._current
        if current is None:
            return
        try:
            cancelled = self._is_cancelled(current["build"], current["attempt"])
        except OSError as error:
            logging.getLogger(__name__).warning("the storage cannot be asked whether the build goes on: %s", error)
            return
        if cancelled:
            with self._lock:
                if self._current is current:
                    self._stop = Cancelled

    def flush(self) -> None:
        """Send what there is to tell now. Raises NotSentError."""
        with self._lock:
            events, self._ends = self._ends[:MOST_EVENTS], self._ends[MOST_EVENTS:]
            if self._current is not None and self._is_news:
                events.append(self._signed({**self._current, "state": "running"}))
                self._is_news = False
            # Lines go with any event; which step they are of does not matter, as long as it is the same build's.
            elif self._lines and not events and self._current is not None:
                events.append(self._signed({**self._current, "state": "running"}))
        if not events:
            return
        try:
            self._send(events)
        except NotSentError:
            with self._lock:
                self._ends = [event for event in events if event["state"] != "running"] + self._ends
            raise

    def _signed(self, event: Event) -> Event:
        lines, self._lines = self._lines, []
        return {**event, "worker": self._worker, "at": time.time(), **({"lines": lines} if lines else {})}


class TellingHandler(logging.Handler):
    """Passes what the attribution module logs on to the build's log."""

    def __init__(self, teller: Teller) -> None:
        super().__init__(logging.INFO)
        self._teller = teller

    def emit(self, record: logging.LogRecord) -> None:
        self._teller.line(record.levelname.lower(), without_secrets(self.format(record)))
