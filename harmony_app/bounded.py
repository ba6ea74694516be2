"""Asking something that may never answer: in a thread, for so long and no longer, and not again while it hangs."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True)
class Answer(Generic[Value]):
    """What was found, or the error; neither where nothing came in time. `ms` is how long it took or was waited for."""

    ms: float
    value: Value | None = None
    error: BaseException | None = None

    @property
    def is_late(self) -> bool:
        return self.value is None and self.error is None


class Bounded(Generic[Value]):
    """A question whose answer is waited for `seconds` at most and kept for `keep` seconds, an error `keep_failure`.

    Safe for many threads. A question that hangs is not asked again: whoever comes meanwhile waits for the same answer,
    and once its time is over, not at all.
    """

    def __init__(
        self, ask: Callable[[], Value], *, name: str, seconds: float, keep: float, keep_failure: float = 1.0
    ) -> None:
        self._ask = ask
        self._seconds = seconds
        self._keep = keep
        self._keep_failure = keep_failure
        self._lock = threading.Lock()
        # One thread: that is what keeps a dead server from collecting threads.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"harmony-{name}")
        self._asked: Future[Answer[Value]] | None = None
        self._asked_at = 0.0

    def begin(self) -> Future[Answer[Value]]:
        """Ask, unless that is under way or was done a moment ago; nothing is waited for."""
        with self._lock:
            if self._asked is None or self._is_stale(self._asked):
                self._asked_at = time.monotonic()
                self._asked = self._pool.submit(self._timed)
            return self._asked

    def answer(self) -> Answer[Value]:
        """Return what was found. The time limit counts from when it was asked, by whomever."""
        asked = self.begin()
        try:
            error = asked.exception(timeout=max(0.0, self._asked_at + self._seconds - time.monotonic()))
        except TimeoutError:
            return Answer(self._waited_ms())
        return asked.result() if error is None else Answer(self._waited_ms(), error=error)

    def forget(self) -> None:
        """Ask anew the next time."""
        with self._lock:
            if self._asked is not None and self._asked.done():
                self._asked = None

    def _is_stale(self, asked: Future[Answer[Value]]) -> bool:
        if not asked.done():
            return False
        kept = self._keep if asked.exception() is None else self._keep_failure
        return time.monotonic() - self._asked_at >= kept

    def _waited_ms(self) -> float:
        return 1000 * (time.monotonic() - self._asked_at)

    def _timed(self) -> Answer[Value]:
        began = time.perf_counter()
        value = self._ask()
        return Answer(1000 * (time.perf_counter() - began), value)
