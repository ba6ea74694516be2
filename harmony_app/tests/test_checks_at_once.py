"""Many annotators at one moment under a protocol with checks, time limits, exclusions and people who stop.

On SQLite and on PostgreSQL: every place is held once or free, and nobody waits for another for ever.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from harmony_app.tests.browser import Browser
from harmony_app.tests.servers import LiveSite, Postgres
from harmony_app.tests.test_exactly_once import StudySite, answer_to

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

PROTOCOL = """
[[pages]]
kind = "trials"

[trials]
annotators_per_trial = 2
per_annotator = 20
most_ms = 5000

[catch]
share = 0.2
make = 6

[repeats]
share = 0.2
distance = 4

[[quality]]
rule = "catch_accuracy"
limit = 0.5
action = "exclude"
"""

ADD_PROTOCOL = """
import sys
import django
django.setup()
from studies.models import Study
from studies.services import protocol_set
protocol_set(study=Study.objects.get(slug=sys.argv[1]), text=sys.argv[2], name="protocol.toml")
"""

Row = dict[str, Any]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def study_site(request: pytest.FixtureRequest, live_site: Callable[..., LiveSite]) -> StudySite:
    if request.param == "sqlite":
        return StudySite(live_site(workers=3))
    postgres: Postgres = request.getfixturevalue("postgres")
    return StudySite(live_site(postgres.new_database(), workers=3))


def add_study(study_site: StudySite, slug: str, annotators: int, protocol: str) -> list[Browser]:
    browsers = study_site.add_study(slug, annotators, images=7)
    study_site.site.python("-c", ADD_PROTOCOL, slug, protocol)
    return browsers


def session(browser: Browser, slug: str, barrier: Barrier, *, stops_after: int | None, slow_every: int | None) -> int:
    """Answer one trial after another, each reply bringing the next; return how many were answered.

    The answers begin when everybody holds trials, so that nobody comes too late to get one. Where no trial is left, a
    place may have come back since: whether the trials are over is asked for at the end.
    """
    steps, trials = (f"/api/v1/studies/{slug}/{what}/next/" for what in ("steps", "assignments"))
    reply = browser.post_json(steps, {})
    assert reply.json()["step"]["kind"] == "trials", reply.body
    reply = browser.post_json(trials, {"count": 2})
    barrier.wait(timeout=60)
    given = 0
    while True:
        while reply.json().get("assignments"):
            assignment = reply.json()["assignments"][0]
            given += 1
            is_slow = slow_every is not None and given % slow_every == 0
            body = {**answer_to(assignment, "timeout" if is_slow else "left"), "next": 2}
            reply = browser.post_json(f"/api/v1/assignments/{assignment['token']}/responses/", body)
            assert reply.status == 201, reply.body
            if given == stops_after:
                assert browser.post_json(f"/api/v1/studies/{slug}/withdraw/", {"delete": False}).status == 200
                return given
        if browser.post_json(steps, {}).json()["step"]["kind"] != "trials":
            return given
        reply = browser.post_json(trials, {"count": 2})


def at_one_moment(browsers: list[Browser], slug: str, **options: list[int | None]) -> list[int]:
    barrier = Barrier(len(browsers))

    def run(place: int) -> int:
        barrier.wait(timeout=60)
        mine = {name: options.get(name, [None] * len(browsers))[place] for name in ("stops_after", "slow_every")}
        return session(browsers[place], slug, barrier, stops_after=mine["stops_after"], slow_every=mine["slow_every"])

    with ThreadPoolExecutor(len(browsers)) as pool:
        return list(pool.map(run, range(len(browsers))))


def assignments_of(study_site: StudySite, slug: str) -> list[Row]:
    names = ("participation", "trial", "kind", "side", "state", "is_counted", "position", "repeat_of", "pk", "given")
    rows = study_site.rows(
        "SELECT a.participation_id, a.trial_id, a.kind, a.side, a.state, a.is_counted, a.position, a.repeat_of_id,"
        " a.id, r.given FROM studies_assignment a JOIN studies_participation p ON p.id = a.participation_id"
        " JOIN studies_study s ON s.id = p.study_id LEFT JOIN studies_response r ON r.assignment_id = a.id"
        f" WHERE s.slug = '{slug}' ORDER BY a.participation_id, a.position"
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


def check_places(study_site: StudySite, slug: str, rows: list[Row]) -> None:
    """Hold the counters of the trials against the assignments."""
    held = Counter(row["trial"] for row in rows if row["is_counted"] and row["state"] != "released")
    stored = study_site.rows(
        "SELECT t.id, t.assigned FROM studies_trial t JOIN studies_study s ON s.id = t.study_id"
        f" WHERE s.slug = '{slug}'"
    )
    assert {trial: held[trial] for trial, _ in stored} == dict(stored)
    assert max(held.values(), default=0) <= 2


def test_checks_fit_between_trials_that_are_filled_exactly(study_site: StudySite) -> None:
    protocol = PROTOCOL[: PROTOCOL.index("[[quality]]")].replace("per_annotator = 20\n", "")
    browsers = add_study(study_site, "all-checked", 4, protocol)
    given = at_one_moment(browsers, "all-checked")
    rows = assignments_of(study_site, "all-checked")
    check_places(study_site, "all-checked", rows)
    assert len(rows) == sum(given)
    assert {row["state"] for row in rows} == {"answered"}
    # 28 trials, two annotators each, with the finetuned map once on each side.
    mains = [row for row in rows if row["kind"] == "main"]
    assert set(Counter((row["trial"], row["side"]) for row in mains).values()) == {1}
    assert len(mains) == 56
    by_pk = {row["pk"]: row for row in rows}
    sessions: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        sessions[row["participation"]].append(row)
    for mine in sessions.values():
        assert [row["position"] for row in mine] == list(range(1, len(mine) + 1))
        assert mine[0]["kind"] == "main"
        for row in mine:
            if row["kind"] == "repeat":
                earlier = by_pk[row["repeat_of"]]
                assert (earlier["participation"], earlier["trial"]) == (row["participation"], row["trial"])
                assert row["position"] - earlier["position"] >= 4
                assert row["side"] != earlier["side"]


def test_places_come_back_from_timeouts_exclusions_and_people_who_stop(study_site: StudySite) -> None:
    browsers = add_study(study_site, "unruly", 8, PROTOCOL)
    stops: list[int | None] = [1, 11, None, None, None, None, 7, None]
    slow: list[int | None] = [None, 2, 3, None, 4, None, None, 1]
    at_one_moment(browsers, "unruly", stops_after=stops, slow_every=slow)
    rows = assignments_of(study_site, "unruly")
    check_places(study_site, "unruly", rows)
    assert not [row for row in rows if row["given"] == "timeout" and row["is_counted"]]
    states = dict(
        study_site.rows(
            "SELECT p.id, p.state FROM studies_participation p JOIN studies_study s ON s.id = p.study_id"
            " WHERE s.slug = 'unruly'"
        )
    )
    # Who gets how many trials is a matter of chance; the one who stops after the first always does.
    assert "withdrawn" in states.values()
    assert set(states.values()) <= {"withdrawn", "failed_checks", "completed"}
    catches: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        if row["kind"] == "catch" and row["given"] is not None:
            catches[row["participation"]].add(row["given"])
    # Whoever answers `left` throughout is right at half of the catch trials, and whoever is always out of time at none.
    assert {states[pk] for pk, given in catches.items() if given == {"timeout"}} <= {"failed_checks", "withdrawn"}
    left = {pk for pk, state in states.items() if state in ("withdrawn", "failed_checks")}
    assert not [row for row in rows if row["participation"] in left and (row["is_counted"] or row["state"] == "live")]
