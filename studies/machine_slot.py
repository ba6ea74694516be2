"""One heavy computation of a kind at a time on a machine: each report or local build takes cores and much memory."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

BUILDS = "builds"
REPORTS = "reports"


@contextmanager
def machine_slot(kind: str, *, wait: Callable[[], bool], seconds: float = 1.0) -> Iterator[bool]:
    """Hold the machine's one place for a kind of work during the block; the system frees it when the process dies.

    While another process has it, `wait` is called every so many seconds; once it returns False the waiting ends, and
    the block is given False: it has no place.
    """
    folder = Path(settings.DATA_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{kind}.lock").open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not wait():
                    yield False
                    return
                time.sleep(seconds)
            else:
                yield True
                return
