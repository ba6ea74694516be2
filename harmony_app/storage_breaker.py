"""A bucket that hangs is left alone for a while, so that what nobody can have holds no thread of the server.

Every process finds out for itself. Only what somebody waits for is refused (`studies.media.hurried`): work in the
background asks in any case, and so do `/readyz` and `manage.py doctor`.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import Counter

from studies.counts import REGISTRY
from studies.media import StorageFailedError

logger = logging.getLogger(__name__)

REFUSED = Counter(
    "harmony_storage_looks_refused",
    "Looks into the bucket that were refused at once, because it had not answered several times in a row.",
    registry=REGISTRY,
)


class Breaker:
    """Refuses looks for `pause` seconds once `timeouts` in a row got no answer; then one is let through, and decides.

    A look got no answer if it ended with one of `errors` after `slow` seconds or more. Anything else is an answer: a
    bucket that refuses does so at once. With 0 `timeouts` nothing is ever refused.
    """

    def __init__(
        self,
        address: str,
        *,
        timeouts: int,
        pause: float,
        errors: tuple[type[Exception], ...],
        slow: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._timeouts = timeouts
        self._pause = pause
        self._errors = errors
        self._slow = slow
        self._clock = clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._until: float | None = None
        self._is_tried = False

    @contextmanager
    def look(self) -> Iterator[None]:
        """A look into the bucket. Raises StorageFailedError at once while it is left alone."""
        is_trial = self._begin()
        began = self._clock()
        got_answer = True
        try:
            yield
        except self._errors:
            got_answer = self._clock() - began < self._slow
            raise
        finally:
            self._end(is_trial=is_trial, got_answer=got_answer)

    def _begin(self) -> bool:
        """Whether this look is the one that decides."""
        with self._lock:
            if self._until is None:
                return False
            left = self._until - self._clock()
            if left <= 0 and not self._is_tried:
                self._is_tried = True
                return True
        REFUSED.inc()
        when = f"in {left:.0f} s" if left > 0 else "just now"
        raise StorageFailedError(f"{self._address}: it hangs, is left alone, and is asked again {when}")

    def _end(self, *, is_trial: bool, got_answer: bool) -> None:
        with self._lock:
            if is_trial:
                self._is_tried = False
            was_left_alone = self._until is not None
            if got_answer:
                self._in_a_row, self._until = 0, None
            else:
                self._in_a_row += 1
                # Those that were under way before it was left alone do not make the pause longer.
                if is_trial or (not was_left_alone and 0 < self._timeouts <= self._in_a_row):
                    self._until = self._clock() + self._pause
            is_left_alone = self._until is not None
        if is_left_alone and not was_left_alone:
            logger.error(
                "%s: %d looks in a row got no answer; it is left alone, and asked every %g s; check "
                "AWS_ENDPOINT_URL, the network, and that it is running",
                *(self._address, self._in_a_row, self._pause),
            )
        elif was_left_alone and not is_left_alone:
            logger.warning("%s: it answers again", self._address)
