"""The site with faults that tests order: `gunicorn tests.faults.faulty_site`.

An order is a file in the data folder. The first request whose path has the ordered part takes the order, and the fault
strikes it once: the worker or the whole server is killed, or the request is held up until it is released. It strikes

- `received`: before anything is done for the request,
- `inserted`: inside the transaction, after an answer or a page was inserted and before the commit,
- `committed`: after the commit, before a byte of the reply is sent.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from django.db import connection

from harmony_app.tests.servers import LiveSite
from harmony_app.wsgi import application as site

Moment = Literal["received", "inserted", "committed"]
How = Literal["kill_worker", "kill_server", "hold"]

# A test that has failed before it released a request is not to hold up the others.
HELD_SECONDS = 60.0
RELEASED = ".go"
INSERTS = ('INSERT INTO "studies_response"', 'INSERT INTO "studies_pagerecord"', 'INSERT INTO "studies_assignment"')


@dataclass(frozen=True)
class Order:
    """A fault to come: in which path, when, and what happens."""

    path: str
    moment: Moment
    how: How

    def strike(self, taken: Path) -> None:
        if self.how == "hold":
            deadline = time.monotonic() + HELD_SECONDS
            while not taken.with_suffix(RELEASED).exists() and time.monotonic() < deadline:
                time.sleep(0.02)
        elif self.how == "kill_worker":
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            # The tests start the server as the leader of a group of its own.
            os.killpg(os.getpgrp(), signal.SIGKILL)


def order(live: LiveSite, path: str, moment: Moment, how: How) -> Path:
    """Order a fault; the file that is returned is gone once a request has taken it. One that is held is released."""
    file = live.folder / f"fault-{uuid4().hex}.json"
    written = file.with_suffix(".part")
    written.write_text(json.dumps(asdict(Order(path, moment, how))))
    return written.rename(file)


def release(ordered: Path) -> None:
    """Let the request go on that an order holds up."""
    ordered.with_suffix(RELEASED).touch()


def _taken(path: str) -> tuple[Order, Path] | None:
    for file in sorted(Path(os.environ["HARMONY_DATA_DIR"]).glob("fault-*.json")):
        try:
            found = Order(**json.loads(file.read_text()))
            if found.path in path:
                # One request takes it: the other's rename finds nothing.
                return found, file.rename(file.with_suffix(".taken"))
        except FileNotFoundError:
            continue
    return None


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve the request, with the fault that was ordered for it."""
    taken = _taken(environ["PATH_INFO"])
    if taken is None:
        return site(environ, start_response)
    due, file = taken
    if due.moment == "received":
        due.strike(file)
        return site(environ, start_response)
    if due.moment == "committed":
        reply = site(environ, start_response)
        due.strike(file)
        return reply

    def strike_after_insert(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        result = execute(sql, *arguments)
        if sql.startswith(INSERTS):
            due.strike(file)
        return result

    with connection.execute_wrapper(strike_after_insert):
        return site(environ, start_response)
