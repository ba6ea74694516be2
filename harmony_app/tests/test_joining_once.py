"""Many people at one moment, on SQLite and on PostgreSQL: quotas and places hold, and nobody becomes two."""

import json
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from harmony_app.tests.browser import Browser, Reply
from harmony_app.tests.servers import LiveSite, Postgres
from harmony_app.tests.test_exactly_once import StudySite, at_once
from studies.tests.bundles import write_bundle

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

SET_UP = """
import json, pathlib, sys
import django
django.setup()
from studies.models import Protocol
from studies.protocol.spec import ProtocolSpec
from studies.services import load_bundle
from studies.services.links import links_create
study = load_bundle(folder=pathlib.Path(sys.argv[1])).study
recruitment, link = json.loads(sys.argv[2]), json.loads(sys.argv[3])
document = ProtocolSpec.from_document({"pages": [{"kind": "trials"}], "recruitment": recruitment}).as_document()
Protocol.objects.create(study=study, version=1, document=document)
print(links_create(study=study, **link)[0].token, end="")
"""
PROLIFIC = {"prolific": {"completed": "C1", "over_quota": "C4"}}
CROWD = 12


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def study_site(request: pytest.FixtureRequest, live_site: Callable[..., LiveSite]) -> StudySite:
    if request.param == "sqlite":
        return StudySite(live_site(workers=3))
    postgres: Postgres = request.getfixturevalue("postgres")
    return StudySite(live_site(postgres.new_database(), workers=3))


def set_up(study_site: StudySite, slug: str, recruitment: Mapping[str, Any], **link: Any) -> str:
    """Add a study that recruits, with a link; returns the link's path."""
    folder = write_bundle(study_site.site.folder / slug, slug=slug, images=2)
    options = json.dumps(recruitment), json.dumps({"kind": "open", **link})
    token = study_site.site.python("-c", SET_UP, str(folder), *options)
    return f"/join/{token}/"


class _Stay(urllib.request.HTTPRedirectHandler):
    """Where somebody is sent is what is looked at."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def newcomers(study_site: StudySite, path: str, count: int = CROWD) -> list[Callable[[Mapping[str, str]], Reply]]:
    """Return what lets as many new browsers press the button of the page, which is open in all of them."""
    presses: list[Callable[[Mapping[str, str]], Reply]] = []
    for _ in range(count):
        browser = Browser(study_site.site.url)
        browser.get(path)
        browser.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(browser.cookies), _Stay)
        presses.append(partial(browser.post_form, path.partition("?")[0]))
    return presses


def ids(person: str) -> dict[str, str]:
    return {"PROLIFIC_PID": person, "STUDY_ID": "b" * 24, "SESSION_ID": "c" * 24}


def parts(study_site: StudySite, slug: str) -> Counter[str]:
    """Return how many participations of the study have each state."""
    query = (
        f"SELECT p.state FROM studies_participation p JOIN studies_study s ON s.id = p.study_id WHERE s.slug = '{slug}'"
    )
    return Counter(row[0] for row in study_site.rows(query))


def uses(study_site: StudySite, slug: str) -> list[int]:
    query = (
        "SELECT u.number FROM studies_linkuse u JOIN studies_link l ON l.id = u.link_id"
        f" JOIN studies_study s ON s.id = l.study_id WHERE s.slug = '{slug}' ORDER BY u.number"
    )
    return [row[0] for row in study_site.rows(query)]


def test_an_invitation_that_many_follow_at_once_makes_one_part(study_site: StudySite) -> None:
    path = set_up(study_site, "invited", {}, kind="invitation")
    replies = at_once(*[partial(follow, {}) for follow in newcomers(study_site, path)])
    assert Counter(reply.status for reply in replies) == {302: CROWD}
    assert parts(study_site, "invited") == {"active": 1}
    assert uses(study_site, "invited") == [1]


def test_a_quota_holds_against_a_crowd(study_site: StudySite) -> None:
    path = set_up(study_site, "quota", {}, quota=5)
    replies = at_once(*[partial(follow, {}) for follow in newcomers(study_site, path)])
    assert Counter(reply.status for reply in replies) == {302: 5, 410: CROWD - 5}
    assert parts(study_site, "quota") == {"active": 5}
    assert uses(study_site, "quota") == [1, 2, 3, 4, 5]


def test_places_hold_against_a_crowd_by_link(study_site: StudySite) -> None:
    path = set_up(study_site, "places", {"places": 4})
    replies = at_once(*[partial(follow, {}) for follow in newcomers(study_site, path)])
    assert Counter(reply.status for reply in replies) == {302: 4, 403: CROWD - 4}
    assert parts(study_site, "places") == {"active": 4}


def test_places_hold_against_a_crowd_from_prolific(study_site: StudySite) -> None:
    set_up(study_site, "crowd", {"places": 4, **PROLIFIC})
    path = f"/prolific/crowd/?{urllib.parse.urlencode(ids('a' * 24))}"
    people = newcomers(study_site, path)
    replies = at_once(*[partial(follow, ids(f"{number:024}")) for number, follow in enumerate(people)])
    places = Counter(reply.headers["Location"] for reply in replies)
    assert places == {"/studies/crowd/": 4, "/studies/crowd/done/": CROWD - 4}
    assert parts(study_site, "crowd") == {"active": 4, "over_quota": CROWD - 4}


def test_one_id_from_prolific_in_many_browsers_at_once_is_one_person(study_site: StudySite) -> None:
    set_up(study_site, "same", PROLIFIC)
    path = f"/prolific/same/?{urllib.parse.urlencode(ids('a' * 24))}"
    replies = at_once(*[partial(follow, ids("a" * 24)) for follow in newcomers(study_site, path)])
    assert {reply.headers["Location"] for reply in replies} == {"/studies/same/"}
    assert parts(study_site, "same") == {"active": 1}
