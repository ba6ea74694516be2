"""Faults in the steps of builds that tests order: files in the folder that `HARMONY_TEST_FAULTS` names.

The first step of the ordered kind takes the order. At the ordered moment

- `begun`: before anything is done for the step,
- `middle`: while it computes, at the second progress that it makes,
- `stored`: when its output is in the storage, before anybody is told,

its process is killed (`kill`), it and the worker that started it are killed (`kill_all`), or the step waits (`hold`).
A number of seconds in the file `pace` slows every progress of every step down.
"""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from attribution.jobs import telling

FOLDER = "HARMONY_TEST_FAULTS"
CARRIED_OUT = "carried-out.log"
WAITS = "imports-wait"
BEAT_SECONDS = 1.0
Moment = Literal["begun", "middle", "stored"]
How = Literal["kill", "kill_all", "hold"]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Order:
    """A fault to come, in a step of this kind."""

    kind: str
    moment: Moment
    how: How

    def strike(self, file: Path, progress: Progress) -> None:
        if self.how == "hold":
            held = file.with_suffix(".held")
            held.with_suffix(".part").write_text(str(os.getpid()))
            held.with_suffix(".part").rename(held)
            while not file.with_suffix(".go").exists():
                # Cancelled steps are told by an exception.
                progress("held up", 0, 0)
                time.sleep(0.05)
            return
        file.with_suffix(".struck").touch()
        if self.how == "kill_all":
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


class Ordered:
    """An order that was given."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @property
    def is_struck(self) -> bool:
        return self.file.with_suffix(".struck").exists()

    @property
    def holder(self) -> int | None:
        """The process whose step is held up; None as long as none is."""
        held = self.file.with_suffix(".held")
        return int(held.read_text()) if held.exists() else None

    def release(self) -> None:
        self.file.unlink(missing_ok=True)
        self.file.with_suffix(".go").touch()


def order(folder: Path, kind: str, moment: Moment, how: How) -> Ordered:
    """Order a fault for the next step of this kind."""
    file = folder / f"order-{uuid4().hex}.json"
    written = file.with_suffix(".new")
    written.write_text(json.dumps(asdict(Order(kind, moment, how))))
    return Ordered(written.rename(file))


def with_faults(make_bench: Callable[..., Any]) -> Callable[..., Any]:
    """Make benches whose steps take orders, and give signs of life more often than others."""
    folder = Path(os.environ[FOLDER])
    telling.BEAT_SECONDS = BEAT_SECONDS

    def make(*arguments: Any, **named: Any) -> Any:
        bench = make_bench(*arguments, **named)
        steps = bench._steps
        bench._steps = lambda: {kind: partial(_carry_out, folder, kind, step) for kind, step in steps().items()}
        return bench

    return make


def _carry_out(
    folder: Path,
    kind: str,
    step: Callable[..., None],
    shop: Any,
    build: str,
    output: str,
    progress: Progress,
    **arguments: Any,
) -> None:
    with (folder / CARRIED_OUT).open("a") as log:
        log.write(f"{kind} {output} {os.getpid()}\n")
    file, due = _taken(folder, kind)
    made = 0

    def at(moment: Moment) -> None:
        if due is not None and due.moment == moment:
            due.strike(file, progress)

    def told(what: str, done: int, total: int) -> None:
        nonlocal made
        progress(what, done, total)
        made += 1
        if made == 2:
            at("middle")
        time.sleep(_pace(folder))

    at("begun")
    step(shop, build, output, told, **arguments)
    at("stored")


def _taken(folder: Path, kind: str) -> tuple[Path, Order | None]:
    for file in sorted(folder.glob("order-*.json")):
        try:
            found = Order(**json.loads(file.read_text()))
            if found.kind == kind:
                # One step takes it: the other's rename finds nothing.
                return file.rename(file.with_suffix(".taken")), found
        except FileNotFoundError:
            continue
    return folder, None


def _pace(folder: Path) -> float:
    try:
        return float((folder / "pace").read_text())
    except FileNotFoundError:
        return 0.0
