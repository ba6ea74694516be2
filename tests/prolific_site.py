"""A site with a study that recruits at the simulated service, and what tests look up in its database."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from harmony_app.tests.servers import ROOT, LiveSite, running_site
from tests.recruiter import Recruiter, running_recruiter

CODES = {
    "completed": "C1COMPLETED",
    "failed_checks": "C2CHECKS",
    "screened_out": "C3SCREEN",
    "over_quota": "C4FULL",
    "withdrawn": "C5STOPPED",
}
OUTCOMES = {code: outcome for outcome, code in CODES.items()}

SLUG = "demo"
BUNDLE = ROOT / "fixtures" / "demo"
IDENTITIES = "studies_externalidentity"

OPEN_TRIALS = """
    SELECT token, side, expected, assignment.kind, trial.id FROM studies_assignment assignment
    JOIN studies_trial trial ON trial.id = assignment.trial_id
    JOIN studies_externalidentity identity ON identity.participation_id = assignment.participation_id
    WHERE external_id = ? AND state = 'live'
    ORDER BY assignment.kind = 'practice' DESC, assignment.round, assignment.position
"""
STATES = """
    SELECT external_id, participation.code, state, is_excluded, source FROM studies_participation participation
    JOIN studies_externalidentity identity ON identity.participation_id = participation.id ORDER BY participation.id
"""


@dataclass(frozen=True)
class OpenTrial:
    """A trial that was given out and is not answered. `expected` is the choice that a catch or practice trial wants."""

    token: str
    side: str
    expected: str
    kind: str
    trial: int

    @property
    def right_answer(self) -> str:
        """`left`, `right` or `neither`; of a trial without a right answer, the finetuned map."""
        if self.expected == "neither":
            return "neither"
        other = "left" if self.side == "right" else "right"
        return other if self.expected == "original" else self.side


@dataclass(frozen=True)
class ProlificSite:
    """The site, the service, and the study `demo` between them."""

    server: LiveSite
    recruiter: Recruiter

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what a query finds in the site's database."""
        with closing(sqlite3.connect(self.server.folder / "harmony.sqlite3", timeout=20)) as connection:
            return connection.execute(query, values).fetchall()

    def open_trials(self, person: str) -> list[OpenTrial]:
        """Return the person's unanswered trials in their order."""
        return [OpenTrial(*row) for row in self.rows(OPEN_TRIALS, person)]

    def state(self, person: str) -> str:
        """Return how it stands with a person's part in the study."""
        [state] = [row[2] for row in self.rows(STATES) if row[0] == person]
        return str(state)

    def places_that_hold(self, text: str) -> list[str]:
        """Return every column of the database, and every other file of the site, in which a text is found."""
        found = []
        for (table,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'"):
            for column in self.rows(f"PRAGMA table_info('{table}')"):
                like = f'SELECT count(*) FROM "{table}" WHERE instr(lower(CAST("{column[1]}" AS TEXT)), ?) > 0'
                if self.rows(like, text.lower())[0][0]:
                    found.append(f"{table}.{column[1]}")
        return found + [str(path) for path in files_that_hold(self.server.folder, text)]


def files_that_hold(folder: Path, text: str) -> list[Path]:
    """Return the files below a folder in which a text is found, leaving the database's own out."""
    files = [path for path in folder.rglob("*") if path.is_file() and "sqlite3" not in path.name]
    return [path.relative_to(folder) for path in files if text.lower().encode() in path.read_bytes().lower()]


@contextmanager
def prolific_site(protocol: str) -> Iterator[ProlificSite]:
    """Run the site and the service, with the demo bundle as the study.

    `{completion_url}` in the protocol's text stands for the service's address.
    """
    with ExitStack() as stack:
        recruiter = stack.enter_context(running_recruiter(OUTCOMES))
        # The service's host is one that people may be sent to.
        stack.enter_context(patch.dict(os.environ, {"COMPLETION_HOSTS": recruiter.host}))
        server = stack.enter_context(running_site(workers=2))
        file = server.folder / "protocol.toml"
        file.write_text(protocol.replace("{completion_url}", recruiter.completion_url), encoding="utf-8")
        server.manage("load_study", str(BUNDLE))
        server.manage("set_protocol", SLUG, str(file))
        recruiter.study_address = f"{server.url}/prolific/{SLUG}/"
        yield ProlificSite(server, recruiter)
