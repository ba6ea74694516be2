"""A whole run at a recruitment service, in Chromium: people come, take part or do not, and go back with their codes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.e2e.test_accessibility import SCHEMES, VIEWPORTS, violations
from tests.prolific_people import Person, Visit
from tests.prolific_site import CODES, IDENTITIES, SLUG, STATES, ProlificSite, files_that_hold, prolific_site
from tests.recruiter import STUDY_ID, person_id

pytestmark = pytest.mark.e2e

# Two places, five main trials and a catch trial for each.
PROTOCOL = """
language = "en"
[[pages]]
kind = "consent"
title = "Taking part"
markdown = "You compare maps."
[[pages]]
kind = "questionnaire"
key = "about-you"
title = "About you"
fields = [
    { name = "age", label = "How old are you?", kind = "number", minimum = 18 },
    { name = "vision", label = "Do you see well?", kind = "choice", options = ["Yes", "No"], screen_out = ["No"] },
]
[[pages]]
kind = "practice"
title = "Practice"
make = 2
pass_correct = 2
most_rounds = 1
[[pages]]
kind = "trials"
[[pages]]
kind = "text"
key = "debriefing"
title = "What this was about"
markdown = "Thank you!"
[trials]
annotators_per_trial = 5
per_annotator = 5
[catch]
share = 0.2
make = 2
[recruitment]
places = 2
[recruitment.prolific]
completion_url = "{completion_url}"
completed = "C1COMPLETED"
failed_checks = "C2CHECKS"
screened_out = "C3SCREEN"
over_quota = "C4FULL"
withdrawn = "C5STOPPED"
"""

ANNA, BEN, CLEO, DORA, ELIF, FINN = (person_id(number) for number in range(6))
STRANGER = person_id(99)
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@dataclass(frozen=True)
class Run:
    """What was seen while everybody took part. `said` is what the service told each person at the end."""

    site: ProlificSite
    people: dict[str, Person]
    said: dict[str, str]
    # Elif's trials that were open when she left, and when she was back on her phone.
    left_at: list[str]
    back_at: list[str]
    # What Anna was told on coming again after the end.
    again: str


@pytest.fixture(scope="module")
def run(browser: Browser) -> Iterator[Run]:
    people = {
        person.id: person
        for person in (
            Person(ANNA, seed=1),
            Person(BEN, accepts=False),
            Person(CLEO, sees_well=False),
            Person(DORA, is_careful=False),
            Person(ELIF, seed=5, leaves_after=4),
            Person(FINN),
        )
    }
    said: dict[str, str] = {}
    with prolific_site(PROTOCOL) as site:

        def take_part(person: str, **options: object) -> str | None:
            visit = Visit.begin(site, people[person], browser, **options)
            try:
                return visit.take_part()
            finally:
                visit.end()

        for person in (ANNA, BEN, CLEO, DORA):
            said[person] = take_part(person) or ""
        assert take_part(ELIF) is None
        left_at = [trial.token for trial in site.open_trials(ELIF)]
        people[ELIF].leaves_after = None
        # On her phone, where she opens the study twice before she goes on.
        phone = Visit.begin(site, people[ELIF], browser, **PHONE)
        phone.arrive()
        phone.arrive()
        back_at = [trial.token for trial in site.open_trials(ELIF)]
        assert phone.go_through()
        said[ELIF] = phone.go_back()
        phone.end()
        said[FINN] = take_part(FINN) or ""
        again = take_part(ANNA) or ""
        yield Run(site, people, said, left_at, back_at, again)


OUTCOMES = {
    ANNA: "completed",
    BEN: "withdrawn",
    CLEO: "screened_out",
    DORA: "failed_checks",
    ELIF: "completed",
    FINN: "over_quota",
}


def test_everybody_goes_back_with_the_code_of_their_outcome(run: Run) -> None:
    assert run.said == {person: f"Back: {outcome}" for person, outcome in OUTCOMES.items()}
    first = {person: submission.codes[0] for person, submission in run.site.recruiter.submissions.items()}
    assert first == {person: CODES[outcome] for person, outcome in OUTCOMES.items()}


def test_the_service_gets_nothing_that_it_cannot_read(run: Run) -> None:
    assert run.site.recruiter.faults == []


def test_nobody_has_two_parts_or_two_codes(run: Run) -> None:
    assert run.again == "Back: completed"
    assert [len(set(one.codes)) for one in run.site.recruiter.submissions.values()] == [1] * 6
    assert run.site.rows("SELECT count(*) FROM studies_participation WHERE source = 'prolific'") == [(6,)]
    assert run.site.rows("SELECT count(*) FROM studies_user WHERE username LIKE 'guest-%'") == [(6,)]


def test_who_dropped_out_goes_on_on_the_phone_where_she_stopped(run: Run) -> None:
    assert run.left_at
    assert run.back_at[: len(run.left_at)] == run.left_at
    query = "SELECT count(*), count(DISTINCT assignment_id) FROM studies_response"
    [(responses, assignments)] = run.site.rows(query)
    assert responses == assignments


def test_the_places_are_held_by_those_who_completed(run: Run) -> None:
    states = {row[1]: row[2] for row in run.site.rows(STATES.replace("external_id,", "digest,"))}
    assert sorted(states.values()) == sorted(OUTCOMES.values())


def test_no_browser_complained(run: Run) -> None:
    assert [complaint for person in run.people.values() for complaint in person.complaints] == []


def test_ids_lie_in_one_table_and_nowhere_else(run: Run) -> None:
    for person in (ANNA, CLEO, DORA, ELIF, FINN):
        assert run.site.places_that_hold(person) == [f"{IDENTITIES}.external_id"]
        session = run.site.recruiter.submissions[person].session
        assert run.site.places_that_hold(session) == [f"{IDENTITIES}.external_session"]
    assert run.site.places_that_hold(STUDY_ID) == [f"{IDENTITIES}.external_study"]


def test_of_who_declined_no_id_is_left(run: Run) -> None:
    assert run.site.places_that_hold(BEN) == []
    assert run.site.places_that_hold(run.site.recruiter.submissions[BEN].session) == []


def test_exports_hold_no_ids(run: Run, tmp_path: Path) -> None:
    run.site.server.manage("agreement_report", SLUG, "--out", str(tmp_path))
    assert list(tmp_path.iterdir())
    for person in OUTCOMES:
        assert files_that_hold(tmp_path, person) == []


def test_a_forged_address_gets_no_further_than_the_page(run: Run, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{run.site.recruiter.study_address}?PROLIFIC_PID=<b>x</b>&STUDY_ID=1&SESSION_ID=2")
    expect(page.get_by_role("heading", name="Please come from Prolific again")).to_be_visible()
    page.goto(f"{run.site.recruiter.study_address}?PROLIFIC_PID={STRANGER}&STUDY_ID=1&SESSION_ID=2")
    page.get_by_role("button", name="Go to the study").click()
    page.wait_for_url(re.compile("/done/$"))
    expect(page.get_by_role("heading", name="The study is full")).to_be_visible()
    expect(page.get_by_role("link", name="Go back to Prolific")).to_have_attribute(
        "href", f"{run.site.recruiter.completion_url}?cc=C4FULL"
    )
    context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_axe_finds_nothing_on_the_pages_for_newcomers(
    run: Run, browser: Browser, scheme: Literal["light", "dark"], size: str
) -> None:
    width, height = VIEWPORTS[size]
    viewport: ViewportSize = {"width": width, "height": height}
    context = browser.new_context(color_scheme=scheme, viewport=viewport, bypass_csp=True)
    page = context.new_page()
    prolific = run.site.recruiter.study_address
    links = run.site.server.manage("create_links", SLUG, "--kind", "test", "--site", run.site.server.url)
    test_link = links.split(",")[-1].strip()
    addresses = [
        test_link,
        f"{run.site.server.url}/join/unknown/",
        prolific,
        f"{prolific}?PROLIFIC_PID={STRANGER}&STUDY_ID=1&SESSION_ID=2",
    ]
    for address in addresses:
        page.goto(address)
        assert violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    context.close()


def test_a_newcomer_gets_in_with_the_keyboard_alone(run: Run, browser: Browser) -> None:
    links = run.site.server.manage("create_links", SLUG, "--kind", "test", "--site", run.site.server.url)
    context = browser.new_context()
    page = context.new_page()
    page.goto(links.split(",")[-1].strip())
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Go to the study")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/studies/{SLUG}/")
    expect(page.get_by_role("heading", name="Taking part")).to_be_visible()
    context.close()


def test_ids_are_erased_on_request_and_still_let_nobody_in_twice(run: Run, browser: Browser) -> None:
    """Comes last: it erases what the others look for."""
    run.site.server.manage("erase_identities", SLUG, "--all")
    for person in OUTCOMES:
        assert run.site.places_that_hold(person) == []
    before = run.site.rows("SELECT count(*) FROM studies_participation")
    visit = Visit.begin(run.site, run.people[ANNA], browser)
    visit.arrive()
    assert visit.go_through()
    assert visit.go_back() == "Back: completed"
    visit.end()
    assert run.site.rows("SELECT count(*) FROM studies_participation") == before
