"""The site under test: gunicorn over a database of its own, with a supply of small studies."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.site_data import StudySpec, as_argument

ROOT = Path(__file__).resolve().parents[2]
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
SUPPLY = 40
START_LIMIT_S = 60


@dataclass(frozen=True)
class Stored:
    """A response as the database has it."""

    position: int
    revision: int
    given: str
    rt_ms: float
    timing: dict[str, Any]
    uuid: str


@dataclass(frozen=True)
class Site:
    """A running site. Every test takes studies of its own out of the supply."""

    url: str
    database: Path
    supply: dict[StudySpec, list[str]]

    def study(self, *, allow_undo: bool = True, offer_neither: bool = True) -> str:
        """Return the slug of an untouched study, which is also the name of its one annotator."""
        return self.supply[StudySpec("", allow_undo=allow_undo, offer_neither=offer_neither)].pop()

    def responses(self, slug: str) -> list[Stored]:
        """Return all responses of a study in the order in which they were stored."""
        query = """
            SELECT assignment.position, response.revision, given, rt_ms, timing, uuid FROM studies_response response
            JOIN studies_assignment assignment ON assignment.id = assignment_id
            JOIN studies_participation participation ON participation.id = participation_id
            JOIN studies_study study ON study.id = study_id WHERE slug = ? ORDER BY response.id
        """
        with closing(sqlite3.connect(self.database)) as connection:
            rows = connection.execute(query, [slug]).fetchall()
        return [Stored(*row[:4], timing=json.loads(row[4]), uuid=row[5]) for row in rows]

    def answers(self, slug: str) -> list[tuple[int, int, str]]:
        """Return (position, revision, given) of all responses of a study."""
        return [(row.position, row.revision, row.given) for row in self.responses(slug)]

    def wait_for_answers(self, slug: str, count: int) -> list[tuple[int, int, str]]:
        """Return the answers as soon as there are so many; after ten seconds, whatever is there."""
        deadline = time.monotonic() + 10
        while len(answers := self.answers(slug)) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return answers


def chromium_path() -> str:
    """Return the browser's executable: `CHROMIUM`, or the first one on the PATH."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None:
        raise FileNotFoundError(f"no browser: put one of {', '.join(CHROMIUM_NAMES)} on the PATH, or set CHROMIUM")
    return found


def _supply() -> tuple[list[StudySpec], dict[StudySpec, list[str]]]:
    kinds = [StudySpec("")] * SUPPLY + [StudySpec("", allow_undo=False, offer_neither=False)] * 4
    supply: dict[StudySpec, list[str]] = {}
    specs = []
    for number, kind in enumerate(kinds):
        slug = f"maps-{number:02}"
        supply.setdefault(kind, []).append(slug)
        specs.append(StudySpec(slug, kind.trials, kind.allow_undo, kind.offer_neither))
    return specs, supply


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the site did not come up at {url}:\n{log.read_text()}")


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """Run the site with its data in `folder` until the end of the block."""
    database = folder / "harmony.sqlite3"
    environment = {name: value for name, value in os.environ.items() if name not in ("SECRET_KEY", "STATIC_ROOT")}
    environment |= {
        "DJANGO_SETTINGS_MODULE": "harmony_app.settings",
        "HARMONY_DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{database}",
        "MEDIA_ROOT": str(folder / "media"),
        "ALLOWED_HOSTS": "127.0.0.1",
        "HTTPS": "0",
        "DEBUG": "0",
        "LOG_LEVEL": "WARNING",
    }
    specs, supply = _supply()
    for program in (["manage.py", "migrate", "-v0"], ["-m", "tests.e2e.site_data", as_argument(specs)]):
        subprocess.run([sys.executable, *program], cwd=ROOT, env=environment, check=True)
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    log = folder / "server.log"
    command = [sys.executable, "-m", "gunicorn", "harmony_app.wsgi", "--threads=4", f"--bind=127.0.0.1:{port}"]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            _wait_until_up(url, server, log)
            yield Site(url, database, supply)
        finally:
            server.terminate()
            server.wait(timeout=30)
