"""The real worker over stand-ins for the steps, whose condition says in one word what happens.

It runs in a process of its own.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

from attribution.errors import InputError
from attribution.last_words import trying

Tell = Callable[[str, int, int], None]


class AcceleratorError(RuntimeError):
    """What torch raises, by its name: the worker does not load torch to know it."""


def chunk(shop: Any, build: str, output: str, progress: Tell, *, condition: str) -> None:
    """Do what the condition says: good, bad, full, broken, device, wait (for `go`), killed (once) or poison."""
    begun = f"builds/{build}/begun-{condition}-{time.monotonic_ns()}"
    times = len([name for name in shop.storage.list(f"builds/{build}") if f"/begun-{condition}-" in name])
    shop.storage.write(begun, b"")
    progress(condition, 1, 2)
    if condition == "bad":
        raise InputError('study.toml: metrics[1].name: unknown metric "focuss" (known: focus, rma)')
    if condition == "full":
        raise OSError(28, "No space left on device")
    if condition == "broken":
        raise KeyError("a fault")
    if condition == "device":
        raise AcceleratorError("CUDA error: an illegal memory access was encountered")
    if condition == "poison" or (condition == "killed" and times == 0):
        with trying(f"maps by {condition}", "leave it out"):
            os.kill(os.getpid(), signal.SIGKILL)
    deadline = time.monotonic() + 120
    while condition == "wait" and not shop.storage.exists(f"builds/{build}/go"):
        if time.monotonic() > deadline:
            raise TimeoutError("go did not come")
        time.sleep(0.02)
        progress(condition, 1, 2)
    shop.storage.write(output, f"{times + 1}".encode())


class Workshop(SimpleNamespace):
    """The storage alone."""

    def __init__(self, storage: Any, _work: object, **_: object) -> None:
        super().__init__(storage=storage)

    def is_cancelled(self, build: str, attempt: int) -> bool:
        return bool(self.storage.exists(f"builds/{build}/cancelled-{attempt}"))


for name, content in (("steps", {"STEPS": {"chunk": chunk}}), ("workshop", {"Workshop": Workshop})):
    module = ModuleType(f"attribution.jobs.{name}")
    vars(module).update(content)
    sys.modules[module.__name__] = module

from attribution.worker import app  # noqa: E402

# Enough for a step that is about to end.
app.conf.worker_soft_shutdown_timeout = 1.0

__all__ = ["app"]
