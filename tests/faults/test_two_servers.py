"""Two servers on one PostgreSQL, each with workers of its own; one is killed, and the other goes on."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from harmony_app.tests.browser import Browser
from harmony_app.tests.servers import LiveSite, Postgres, running_site
from harmony_app.tests.test_exactly_once import StudySite, answer_to, at_once, next_assignments
from tests.faults.people import at_work, counted, people_of

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@pytest.fixture
def servers(durable_postgres: Postgres) -> Iterator[tuple[StudySite, LiveSite]]:
    """Two servers with one database and one folder of pictures."""
    url = durable_postgres.new_database()
    with running_site(url) as first:
        second = LiveSite(first.folder, url, workers=2)
        second.start()
        try:
            yield StudySite(first), second
        finally:
            second.stop()


def test_one_of_two_servers_is_killed_and_the_other_goes_on(servers: tuple[StudySite, LiveSite]) -> None:
    study_site, second = servers
    people = people_of(study_site, "two", 8)
    for number, person in enumerate(people):
        person.urls = [study_site.site.url, second.url] if number % 2 else [second.url, study_site.site.url]
        person.browser.url = person.urls[0]
    at_work(people, second.kill, after=60)
    assert counted(study_site, "two", people).repeated > 0


def test_both_servers_draw_and_store_as_one(servers: tuple[StudySite, LiveSite]) -> None:
    study_site, second = servers
    (here,) = study_site.add_study("as-one", 1, images=4)
    there = Browser(second.url)
    there.cookies = here.cookies
    there.opener = here.opener
    address = "/api/v1/studies/as-one/assignments/next/"
    draws = at_once(*[partial(one.post_json, address, {"count": 3}) for one in (here, there) * 4])
    assert len({tuple(row["token"] for row in reply.json()["assignments"]) for reply in draws}) == 1
    for assignment in next_assignments(here, "as-one"):
        answers = f"/api/v1/assignments/{assignment['token']}/responses/", answer_to(assignment)
        replies = at_once(*[partial(one.post_json, *answers) for one in (here, there) * 8])
        assert Counter(reply.status for reply in replies) == {201: 1, 200: 15}
        for one in (here, there):
            assert one.get(assignment["pictures"]["left"]).status == 200
    assert len(study_site.responses("as-one")) == 3
    assert study_site.site.manage("check_study", "as-one", "--pictures") == "as-one: consistent\n"
