"""The two sites under load: Harmony, and the published app's procedure, both under gunicorn."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import psycopg2

from harmony_app.tests.servers import ROOT, Server, ServerError, free_port
from load.client import Reply, one, request

BENCHMARKS = ROOT / "benchmarks"
START_SECONDS = 60


@dataclass
class Site(ABC):
    """A Django project under gunicorn with its own database."""

    name: str
    application: str
    folder: Path
    database_url: str
    environment: dict[str, str]
    home: Path
    workers: int
    threads: int
    first_path: str
    facts: dict[str, Any] = field(default_factory=dict)
    used: int = 0

    def __post_init__(self) -> None:
        self.port = free_port()
        self.environment = {
            **self.environment,
            "DATABASE_URL": self.database_url,
            "PYTHONPATH": f"{self.home}{os.pathsep}{BENCHMARKS}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        options = ["--bind", f"127.0.0.1:{self.port}", "--workers", str(self.workers), "--threads", str(self.threads)]
        # People think for a while: their connections stay open.
        options += ["--keep-alive", "30"]
        command = [sys.executable, "-m", "gunicorn", self.application, *options, "--no-control-socket"]
        self.server = Server(command, self.folder / "gunicorn.log", **self.environment)

    def run(self, *command: str) -> str:
        """Run Python in the site's environment; returns what it printed."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.home,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise ServerError(f"{self.name}: {' '.join(command[:3])}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def fill(self, module: str, *arguments: str) -> None:
        """Make the site's data with the `main` of a module, and keep what it prints."""
        program = f"import django; django.setup()\nfrom {module} import main\nmain()"
        self.facts = json.loads(self.run("-c", program, *arguments))

    def start(self) -> None:
        self.server.launch()
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.server.check_alive()
            with contextlib.suppress(OSError):
                if one(request("GET", self.first_path), self.port).status in {200, 302}:
                    return
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} does not answer:\n{self.server.log.read_text()[-4000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        self.server.end()

    @property
    def pid(self) -> int | None:
        return None if self.server.process is None else self.server.process.pid

    def annotators(self, number: int) -> list[dict[str, Any]]:
        """Return annotators that no one has used before."""
        taken: list[dict[str, Any]] = self.facts["annotators"][self.used : self.used + number]
        self.used += number
        if len(taken) < number:
            raise ValueError(f"{self.name}: only {len(self.facts['annotators'])} annotators were made")
        return taken

    def get(self, path: str, account: dict[str, Any], *headers: str) -> Reply:
        return one(request("GET", path, cookies=account["cookies"], headers=headers), self.port)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what the database itself says, past Django."""
        if self.database_url.startswith("sqlite"):
            name = urlparse(self.database_url).path.removeprefix("/")
            with contextlib.closing(sqlite3.connect(name, timeout=20)) as connection:
                return connection.execute(query).fetchall()
        with contextlib.closing(psycopg2.connect(self.database_url)) as server, server.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    @abstractmethod
    def answers(self, accounts: list[dict[str, Any]]) -> list[tuple[int, str, int]]:
        """Return (user, name of the answer, trial) of every answer that these annotators have in the database."""

    def queries(self, path: str, account: dict[str, Any]) -> int:
        """Return how many queries a page takes."""
        program = (
            "import django, sys; django.setup()\n"
            "from django.db import connection\n"
            "from django.test import Client\n"
            "from django.test.utils import CaptureQueriesContext\n"
            "client = Client(HTTP_HOST='127.0.0.1'); client.cookies['sessionid'] = sys.argv[2]\n"
            "client.get(sys.argv[1])\n"
            "with CaptureQueriesContext(connection) as seen: assert client.get(sys.argv[1]).status_code == 200\n"
            "print(len(seen))\n"
        )
        return int(self.run("-c", program, path, account["cookies"].partition("=")[2]))


class HarmonySite(Site):
    """Harmony's tables."""

    def answers(self, accounts: list[dict[str, Any]]) -> list[tuple[int, str, int]]:
        users = {account["pk"] for account in accounts}
        query = (
            "SELECT p.annotator_id, r.uuid, a.trial_id FROM studies_response r"
            " JOIN studies_assignment a ON a.id = r.assignment_id"
            " JOIN studies_participation p ON p.id = a.participation_id"
        )
        found = ((user, str(uuid).replace("-", ""), trial) for user, uuid, trial in self.rows(query))
        return [row for row in found if row[0] in users]


class PublishedSite(Site):
    """The published app's tables."""

    def answers(self, accounts: list[dict[str, Any]]) -> list[tuple[int, str, int]]:
        users = {account["pk"] for account in accounts}
        rows = self.rows("SELECT user_id, example_id FROM published_app_vote")
        return [(user, str(example), example) for user, example in rows if user in users]


def harmony(
    folder: Path, database_url: str, bundle: Path, sizes: dict[str, int], server: dict[str, int]
) -> HarmonySite:
    """Set Harmony up as its Dockerfile does, with collected static files."""
    environment = {
        "DJANGO_SETTINGS_MODULE": "harmony_app.settings",
        "HARMONY_DATA_DIR": str(folder),
        "STATIC_ROOT": str(folder / "static"),
        "SECRET_KEY": "only-for-this-benchmark-" * 3,
        "LOG_LEVEL": "WARNING",
    }
    site = HarmonySite(
        "Harmony", "harmony_app.wsgi", folder, database_url, environment, ROOT, first_path="/healthz", **server
    )
    site.run("manage.py", "collectstatic", "--noinput", "--verbosity", "0")
    site.run("manage.py", "migrate", "--verbosity", "0")
    site.fill("load.harmony_fill", str(bundle), json.dumps(sizes))
    return site


def published(
    folder: Path, database_url: str, pictures: Path, sizes: dict[str, int], server: dict[str, int]
) -> PublishedSite:
    environment = {"DJANGO_SETTINGS_MODULE": "published_app.settings", "PUBLISHED_PICTURES": str(pictures)}
    application = "published_app.wsgi"
    site = PublishedSite(
        "Published app", application, folder, database_url, environment, BENCHMARKS, first_path="/", **server
    )
    site.fill("published_app.fill", json.dumps({**sizes, "pictures": len(list(pictures.iterdir()))}))
    return site
