"""Carrying out one step: once, with its beginning and end told, and every error sorted by what can be done about it."""

import errno
import gc
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from attribution.device_errors import device_error, is_of_memory
from attribution.errors import InputError
from attribution.jobs.telling import Cancelled, Teller, TellingHandler
from attribution.last_words import LastWords
from attribution.printable import without_secrets

logger = logging.getLogger(__name__)

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Bench:
    """What carries out steps in this process: made at the first one, since torch takes seconds to load."""

    def __init__(
        self,
        make: Callable[[], Any],
        teller: Teller,
        steps: Callable[[], dict[str, Callable[..., None]]],
        words: LastWords,
    ) -> None:
        self._make = make
        self._teller = teller
        self._steps = steps
        self._words = words
        self._shop: Any = None
        self.is_spoilt = False
        """Whether the device failed: nothing works on it in this process any more, which somebody has to end."""

    @property
    def teller(self) -> Teller:
        return self._teller

    def carry_out(self, kind: str, *, build: str, attempt: int, step: str, output: str, **arguments: Any) -> None:
        """Carry out a step unless its output is there already. However it ends, it is told; errors are not raised."""
        started = monotonic()
        teller = self._teller
        with self._told(build, attempt, step), teller.step(build, attempt, step):
            if self._shop is None:
                gc.collect()
                self._shop = self._make()
            if self._shop.is_cancelled(build, attempt):
                raise Cancelled
            self._shop.attempt = attempt
            if not self._shop.storage.exists(output):
                with self._words.of(build, attempt, step) as before:
                    if before is not None:
                        logger.warning("%s: its process was ended before, in: %s", step, before)
                    self._steps()[kind](self._shop, build, output, teller.progress, **arguments)
            teller.ended(build, attempt, step, state="done", seconds=round(monotonic() - started, 4))

    @contextmanager
    def _told(self, build: str, attempt: int, step: str) -> Iterator[None]:
        root = logging.getLogger("attribution")
        handler = TellingHandler(self._teller)
        root.addHandler(handler)
        if root.level == logging.NOTSET:
            root.setLevel(logging.INFO)
        with _Ended(self._teller, build, attempt, step):
            try:
                yield
            except (RuntimeError, MemoryError, InputError) as error:
                self.is_spoilt |= device_error(error) is not None
                if is_of_memory(error):
                    # What is kept warm may be what there was no room beside: the next try begins without it.
                    self._shop = None
                raise
            finally:
                root.removeHandler(handler)


class _Ended:
    """Tells how a step that raised has ended; what would end the process is passed on."""

    def __init__(self, teller: Teller, build: str, attempt: int, step: str) -> None:
        self._tell = teller.ended
        self._of = (build, attempt, step)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        if isinstance(error, Cancelled):
            self._tell(*self._of, state="cancelled")
            return True
        sort, told = sorted_error(error)
        # Whoever owns the build reads it.
        text = without_secrets(told)
        if sort == "fault":
            logger.error("%s: %s", self._of[2], text, exc_info=error)
        self._tell(*self._of, state="failed", kind=sort, error=text)
        return True


def sorted_error(error: Exception) -> tuple[str, str]:
    """What can be done about an error, and what to say of it.

    ``input``: config or data are wrong. ``image``: an image cannot be computed. ``passing``: storage or memory; it may
    be tried again. ``fault``: anything else.
    """
    if (device := device_error(error)) is not None:
        return "passing", f"{type(device).__name__}: {device} (the process was replaced)"
    if type(error).__name__ == "PoisonedImageError":
        return "image", str(error)
    if isinstance(error, InputError):
        # What this process or another keeps may be what there was no room beside.
        return "passing" if is_of_memory(error) else "input", str(error)
    passing = _of_the_disk(error) or error
    if isinstance(passing, OSError) or is_of_memory(passing):
        return "passing", f"{type(passing).__name__}: {passing}"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return "fault", f"{type(error).__name__}: {error} (in {last.name}, line {last.lineno})"


def _of_the_disk(error: BaseException | None) -> OSError | None:
    """What a full disk said, where that is behind an error: torch hides it behind one of its own."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return error
        error = error.__cause__ or error.__context__
    return None
