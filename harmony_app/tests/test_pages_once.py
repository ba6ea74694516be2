"""Pages, steps and withdrawals at one moment, on SQLite and on PostgreSQL: each once, and nothing after the end."""

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from harmony_app.tests.browser import Browser
from harmony_app.tests.servers import LiveSite, Postgres
from harmony_app.tests.test_exactly_once import StudySite, answer_to, at_once, next_assignments

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

PAGES = [
    {"kind": "consent", "title": "Consent", "markdown": "Please agree."},
    {"kind": "trials"},
    {"kind": "text", "key": "goodbye", "title": "Goodbye", "markdown": "Thank you."},
]
PARTS = {"pages": PAGES, "trials": {"annotators_per_trial": 2, "undo": True}, "recruitment": {"code": {}}}

ADD_PROTOCOL = """
import json, sys
import django
django.setup()
from studies.models import Protocol, Study
from studies.protocol.spec import ProtocolSpec
document = ProtocolSpec.from_document(json.loads(sys.argv[2])).as_document()
Protocol.objects.create(study=Study.objects.get(slug=sys.argv[1]), version=1, document=document)
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def study_site(request: pytest.FixtureRequest, live_site: Callable[..., LiveSite]) -> StudySite:
    if request.param == "sqlite":
        return StudySite(live_site(workers=3))
    postgres: Postgres = request.getfixturevalue("postgres")
    return StudySite(live_site(postgres.new_database(), workers=3))


def begin(study_site: StudySite, slug: str) -> tuple[Browser, dict[str, Any]]:
    """Add a study with pages and return its annotator's browser, with the consent that was given out."""
    (browser,) = study_site.add_study(slug, 1, images=2)
    study_site.site.python("-c", ADD_PROTOCOL, slug, json.dumps(PARTS))
    page: dict[str, Any] = browser.post_json(f"/api/v1/studies/{slug}/steps/next/", {}).json()["step"]["page"]
    return browser, page


def consent(page: dict[str, Any], accepted: bool = True) -> dict[str, Any]:
    return {"uuid": str(uuid4()), "answers": {"accepted": accepted}, "digest": page["digest"]}


def of_study(
    study_site: StudySite, slug: str, columns: str, table: str = "studies_pagerecord"
) -> list[tuple[Any, ...]]:
    """Return columns of the rows (`t`) of a table that belong to a participation (`p`) of the study."""
    return study_site.rows(
        f"SELECT {columns} FROM {table} t JOIN studies_participation p ON p.id = t.participation_id"
        f" JOIN studies_study s ON s.id = p.study_id WHERE s.slug = '{slug}' ORDER BY t.id"
    )


def test_sixteen_identical_posts_leave_one_page(study_site: StudySite) -> None:
    browser, page = begin(study_site, "one-page")
    body = consent(page)
    replies = at_once(*[partial(browser.post_json, "/api/v1/studies/one-page/pages/consent/", body)] * 16)
    assert Counter(reply.status for reply in replies) == {201: 1, 200: 15}
    assert of_study(study_site, "one-page", "t.key") == [("consent",)]


def test_of_sixteen_different_posts_one_is_stored(study_site: StudySite) -> None:
    browser, page = begin(study_site, "contested")
    bodies = [consent(page, accepted) for accepted in [True, False] * 8]
    address = "/api/v1/studies/contested/pages/consent/"
    replies = at_once(*[partial(browser.post_json, address, body) for body in bodies])
    assert Counter(reply.status for reply in replies) == {201: 1, 409: 15}
    winner = bodies[[reply.status for reply in replies].index(201)]
    [(uuid, state)] = of_study(study_site, "contested", "t.uuid, p.state")
    assert str(uuid).replace("-", "") == winner["uuid"].replace("-", "")
    assert state == ("active" if winner["answers"]["accepted"] else "withdrawn")


def test_the_end_of_the_trials_is_recorded_once_and_one_code_is_given(study_site: StudySite) -> None:
    browser, page = begin(study_site, "the-end")
    browser.post_json("/api/v1/studies/the-end/pages/consent/", consent(page))
    while assignments := next_assignments(browser, "the-end"):
        for assignment in assignments:
            browser.post_json(f"/api/v1/assignments/{assignment['token']}/responses/", answer_to(assignment))
    steps = at_once(*[partial(browser.post_json, "/api/v1/studies/the-end/steps/next/", {})] * 8)
    assert {reply.json()["step"]["page"]["key"] for reply in steps} == {"goodbye"}
    body = {"uuid": str(uuid4()), "digest": steps[0].json()["step"]["page"]["digest"]}
    replies = at_once(*[partial(browser.post_json, "/api/v1/studies/the-end/pages/goodbye/", body)] * 8)
    assert Counter(reply.status for reply in replies) == {201: 1, 200: 7}
    assert {reply.json()["step"]["outcome"] for reply in replies} == {"completed"}
    assert [row[0] for row in of_study(study_site, "the-end", "t.key")] == ["consent", "trials", "goodbye"]
    assert len({row[0] for row in of_study(study_site, "the-end", "p.completion_code")}) == 1


def test_answers_that_arrive_while_they_are_deleted_are_not_kept(study_site: StudySite) -> None:
    browser, page = begin(study_site, "leaving")
    browser.post_json("/api/v1/studies/leaving/pages/consent/", consent(page))
    assignments = next_assignments(browser, "leaving", 8)
    answers = [
        partial(browser.post_json, f"/api/v1/assignments/{assignment['token']}/responses/", answer_to(assignment))
        for assignment in assignments
    ]
    leave = partial(browser.post_json, "/api/v1/studies/leaving/withdraw/", {"delete": True})
    replies = at_once(*answers[:4], leave, *answers[4:])
    assert replies[4].status == 200
    assert {reply.status for reply in replies} <= {200, 201, 404, 409}
    assert study_site.responses("leaving") == []
    assert of_study(study_site, "leaving", "t.id", "studies_assignment") == []
    assert of_study(study_site, "leaving", "t.id") == []
    taken = study_site.rows(
        "SELECT SUM(t.assigned) FROM studies_trial t JOIN studies_study s ON s.id = t.study_id WHERE s.slug = 'leaving'"
    )
    assert taken == [(0,)]
