"""The site under test: gunicorn over a database of its own, with a supply of small studies."""

import itertools
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from harmony_app.tests.servers import LiveSite, running_site
from tests.e2e.site_data import StudySpec, as_argument

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# For what comes at once on a machine of its own, and takes long only where something is wrong.
PATIENCE_MS = 60_000
# How long SQLite waits for another writer, in seconds.
BUSY_SECONDS = 30
# Making studies takes the start of a process, so they are made many at a time.
BATCH = 30
# Of those with a protocol of their own, which few tests share.
FEW = 3


@dataclass(frozen=True)
class Stored:
    """A response as the database has it."""

    position: int
    revision: int
    given: str
    rt_ms: float
    timing: dict[str, Any]
    uuid: str
    confidence: int | None
    reason: str


@dataclass(frozen=True)
class Site:
    """A running site. Every test takes studies of its own out of the supply."""

    server: LiveSite
    supply: dict[StudySpec, list[str]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def url(self) -> str:
        return self.server.url

    def study(self, *, allow_undo: bool = True, offer_neither: bool = True, protocol: str = "", trials: int = 6) -> str:
        """Return the slug of an untouched study, which is also the name of its one annotator."""
        kind = StudySpec("", trials=trials, allow_undo=allow_undo, offer_neither=offer_neither, protocol=protocol)
        if not self.supply.get(kind):
            batch = FEW if protocol else BATCH
            self.supply[kind] = [f"maps-{len(self.supply)}-{next(self.numbers):03}" for _ in range(batch)]
            specs = [replace(kind, slug=slug) for slug in self.supply[kind]]
            self.server.python("-m", "tests.e2e.site_data", as_argument(specs))
        return self.supply[kind].pop()

    def responses(self, slug: str) -> list[Stored]:
        """Return all responses of a study in the order in which they were stored."""
        query = """
            SELECT assignment.position, response.revision, given, rt_ms, timing, uuid, confidence, response.reason
            FROM studies_response response
            JOIN studies_assignment assignment ON assignment.id = assignment_id
            JOIN studies_participation participation ON participation.id = participation_id
            JOIN studies_study study ON study.id = study_id WHERE slug = ? ORDER BY response.id
        """
        return [
            Stored(position, revision, given, rt_ms, json.loads(timing), uuid, confidence, reason)
            for position, revision, given, rt_ms, timing, uuid, confidence, reason in self.rows(query, slug)
        ]

    def pages(self, slug: str) -> list[tuple[str, Any]]:
        """Return the completed pages of a study's one annotator: keys and answers."""
        query = """
            SELECT key, answers FROM studies_pagerecord page
            JOIN studies_participation participation ON participation.id = participation_id
            JOIN studies_study study ON study.id = study_id WHERE slug = ? ORDER BY page.id
        """
        return [(key, json.loads(answers)) for key, answers in self.rows(query, slug)]

    def participation(self, slug: str) -> str:
        """Return the state of a study's one annotator."""
        query = """
            SELECT participation.state FROM studies_participation participation
            JOIN studies_study study ON study.id = study_id WHERE slug = ?
        """
        [(state,)] = self.rows(query, slug)
        return str(state)

    def end_participation(self, slug: str, state: str) -> None:
        """End the part of a study's one annotator, as a quality rule may do at any time."""
        query = """
            UPDATE studies_participation SET state = ?
            WHERE study_id = (SELECT id FROM studies_study WHERE slug = ?)
        """
        self.change(query, state, slug)

    def rows(self, query: str, *values: object) -> list[Any]:
        """Return what a query finds."""
        with closing(self._connection()) as connection:
            return connection.execute(query, values).fetchall()

    def change(self, statement: str, *values: object) -> None:
        """Change something in the database."""
        with closing(self._connection()) as connection, connection:
            connection.execute(statement, values)

    def _connection(self) -> sqlite3.Connection:
        return sqlite3.connect(self.server.folder / "harmony.sqlite3", timeout=BUSY_SECONDS)

    def set_state(self, slug: str, state: Literal["open", "paused", "closed"]) -> None:
        """Pause, close or reopen a study, as a researcher does in the admin."""
        self.change("UPDATE studies_study SET state = ? WHERE slug = ?", state, slug)

    def answers(self, slug: str) -> list[tuple[int, int, str]]:
        """Return (position, revision, given) of all responses of a study."""
        return [(row.position, row.revision, row.given) for row in self.responses(slug)]

    def wait_for_answers(self, slug: str, count: int) -> list[tuple[int, int, str]]:
        """Return the answers as soon as there are so many; after a minute, whatever is there."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while len(answers := self.answers(slug)) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return answers


def chromium_path() -> str:
    """Return the browser's executable: `CHROMIUM`, or the first one on the PATH."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None:
        raise FileNotFoundError(f"no browser: put one of {', '.join(CHROMIUM_NAMES)} on the PATH, or set CHROMIUM")
    return found


@contextmanager
def supplied_site() -> Iterator[Site]:
    """Run the site until the end of the block."""
    with running_site(workers=1) as server:
        yield Site(server)
