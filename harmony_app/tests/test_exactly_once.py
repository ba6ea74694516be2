"""Concurrent requests against the real server, on SQLite and on PostgreSQL: nothing twice, nothing lost."""

import contextlib
import http.client
import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Thread
from typing import Any
from urllib.parse import urlparse
from uuid import uuid4

import psycopg2
import pytest

from harmony_app.tests.browser import Browser, Reply
from harmony_app.tests.servers import LiveSite, Postgres
from studies.tests.bundles import write_bundle

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


# One process instead of two management commands: starting Python is most of the time.
ADD_STUDY = """
import json, pathlib, sys
import django
django.setup()
from studies.services import create_annotators, load_bundle
study = load_bundle(folder=pathlib.Path(sys.argv[1])).study
accounts = create_annotators(study=study, count=int(sys.argv[2]))
print(json.dumps([(account.username, account.password) for account in accounts]))
"""


class StudySite:
    """A running site with a study, and browsers in which its annotators are logged in."""

    def __init__(self, site: LiveSite) -> None:
        self.site = site

    def add_study(self, slug: str, annotators: int, **options: Any) -> list[Browser]:
        """Load a study and return a logged-in browser for each of its new annotators."""
        folder = write_bundle(self.site.folder / slug, slug=slug, **options)
        table = self.site.python("-c", ADD_STUDY, str(folder), str(annotators))
        browsers = []
        for username, password in json.loads(table):
            browser = Browser(self.site.url)
            browser.log_in(username, password)
            browsers.append(browser)
        return browsers

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what the database itself says, past Django."""
        url = self.site.database_url
        if url.startswith("sqlite"):
            with contextlib.closing(sqlite3.connect(urlparse(url).path.removeprefix("/"), timeout=20)) as connection:
                return connection.execute(query).fetchall()
        with contextlib.closing(psycopg2.connect(url)) as server, server.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def responses(self, slug: str) -> list[tuple[Any, ...]]:
        """Return (uuid without dashes, given, assignment, annotator's code, trial) of each stored response."""
        rows = self.rows(
            "SELECT r.uuid, r.given, r.assignment_id, p.code, a.trial_id FROM studies_response r"
            " JOIN studies_assignment a ON a.id = r.assignment_id"
            " JOIN studies_participation p ON p.id = a.participation_id"
            f" JOIN studies_study s ON s.id = p.study_id WHERE s.slug = '{slug}'"
        )
        return [(str(row[0]).replace("-", ""), *row[1:]) for row in rows]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def study_site(request: pytest.FixtureRequest, live_site: Callable[..., LiveSite]) -> StudySite:
    if request.param == "sqlite":
        return StudySite(live_site(workers=3))
    postgres: Postgres = request.getfixturevalue("postgres")
    return StudySite(live_site(postgres.new_database(), workers=3))


def answer_to(assignment: dict[str, Any], choice: str = "left") -> dict[str, Any]:
    return {
        "uuid": uuid4().hex,
        "revision": assignment["revision"],
        "choice": choice,
        "rt_ms": 900,
        "timing": {},
    }


def next_assignments(browser: Browser, slug: str, count: int = 3) -> list[dict[str, Any]]:
    reply = browser.post_json(f"/api/v1/studies/{slug}/assignments/next/", {"count": count})
    assert reply.status == 200, reply.body
    assignments: list[dict[str, Any]] = reply.json()["assignments"]
    return assignments


def at_once(*calls: Callable[[], Reply]) -> list[Reply]:
    """Make all calls at the same moment, each on its own thread."""
    barrier = Barrier(len(calls))

    def wait_and_call(call: Callable[[], Reply]) -> Reply:
        barrier.wait(timeout=60)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(wait_and_call, calls))


def test_sixteen_identical_posts_leave_one_response(study_site: StudySite) -> None:
    (browser,) = study_site.add_study("identical", 1, images=2)
    for assignment in next_assignments(browser, "identical"):
        address, body = f"/api/v1/assignments/{assignment['token']}/responses/", answer_to(assignment)
        replies = at_once(*[partial(browser.post_json, address, body)] * 16)
        assert Counter(reply.status for reply in replies) == {201: 1, 200: 15}
    assert len(study_site.responses("identical")) == 3


def test_sixteen_different_posts_leave_one_response(study_site: StudySite) -> None:
    (browser,) = study_site.add_study("different", 1, images=2)
    (assignment,) = next_assignments(browser, "different", 1)
    address = f"/api/v1/assignments/{assignment['token']}/responses/"
    bodies = [answer_to(assignment, choice) for choice in ["left", "right"] * 8]
    replies = at_once(*[partial(browser.post_json, address, body) for body in bodies])
    assert Counter(reply.status for reply in replies) == {201: 1, 409: 15}
    winner = bodies[[reply.status for reply in replies].index(201)]
    assert [(row[0], row[1]) for row in study_site.responses("different")] == [(winner["uuid"], winner["choice"])]


def test_concurrent_annotators_fill_every_trial_exactly(study_site: StudySite) -> None:
    browsers = study_site.add_study("crowd", 5, images=7)
    barrier = Barrier(len(browsers))

    def session(browser: Browser) -> list[str]:
        given = []
        barrier.wait(timeout=60)
        while assignments := next_assignments(browser, "crowd", 5):
            for assignment in assignments:
                body = answer_to(assignment)
                reply = browser.post_json(f"/api/v1/assignments/{assignment['token']}/responses/", body)
                assert reply.status == 201, reply.body
                given.append(body["uuid"])
        return given

    with ThreadPoolExecutor(len(browsers)) as pool:
        given = [uuid for uuids in pool.map(session, browsers) for uuid in uuids]
    stored = study_site.responses("crowd")
    # 28 trials, two annotators each; every answer that was acknowledged is there, and no other.
    assert sorted(row[0] for row in stored) == sorted(given)
    assert set(Counter(row[4] for row in stored).values()) == {2}
    assert len(stored) == 56
    assert max(Counter((row[3], row[4]) for row in stored).values()) == 1
    sides = study_site.rows(
        "SELECT a.trial_id, a.side FROM studies_assignment a JOIN studies_participation p ON p.id = a.participation_id"
        " JOIN studies_study s ON s.id = p.study_id WHERE s.slug = 'crowd'"
    )
    assert set(Counter(sides).values()) == {1}


def test_two_tabs_draw_the_same_assignments(study_site: StudySite) -> None:
    (browser,) = study_site.add_study("tabs", 1, images=8)
    address = "/api/v1/studies/tabs/assignments/next/"
    replies = at_once(*[partial(browser.post_json, address, {"count": 3})] * 6)
    tokens = {tuple(row["token"] for row in reply.json()["assignments"]) for reply in replies}
    assert len(tokens) == 1
    assert (
        len(
            study_site.rows(
                "SELECT a.id FROM studies_assignment a JOIN studies_participation p ON p.id = a.participation_id"
                " JOIN studies_study s ON s.id = p.study_id WHERE s.slug = 'tabs'"
            )
        )
        == 10
    )


def test_a_killed_server_loses_no_acknowledged_answer(study_site: StudySite) -> None:
    (browser,) = study_site.add_study("killed", 1, images=5)
    sent: list[tuple[str, dict[str, Any]]] = []
    acknowledged: list[str] = []
    killer = Thread(target=study_site.site.kill)

    def session() -> None:
        for assignment in next_assignments(browser, "killed", 20):
            address, body = f"/api/v1/assignments/{assignment['token']}/responses/", answer_to(assignment)
            sent.append((address, body))
            if len(sent) == 6:
                killer.start()
            if browser.post_json(address, body).status == 201:
                acknowledged.append(body["uuid"])

    # The connection may break before the reply, or in the middle of it.
    with contextlib.suppress(OSError, http.client.HTTPException):
        session()
    killer.join()
    study_site.site.start()
    assert set(acknowledged) <= {row[0] for row in study_site.responses("killed")}
    # The browser sends again what was not acknowledged, and goes on.
    for address, body in sent:
        assert browser.post_json(address, body).status in ({200} if body["uuid"] in acknowledged else {200, 201})
    assert sorted(row[0] for row in study_site.responses("killed")) == sorted(body["uuid"] for _, body in sent)
