"""Practice trials: told whether the answer was right, repeated until passed."""

import pytest
from playwright.sync_api import expect

from tests.e2e.annotator import Annotator, Choice
from tests.e2e.conftest import NewAnnotator
from tests.e2e.protocols import TRIALS, practice, protocol
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

PRACTICE = protocol(practice(), TRIALS)
# Where the map that is expected lies is known to the database alone.
EXPECTED = """
    SELECT assignment.side, trial.expected, trial.id FROM studies_assignment assignment
    JOIN studies_trial trial ON trial.id = trial_id
    JOIN studies_participation participation ON participation.id = participation_id
    JOIN studies_study study ON study.id = participation.study_id
    WHERE slug = ? AND assignment.kind = 'practice' AND assignment.revision = 0
    ORDER BY assignment.round, assignment.position LIMIT 1
"""


def right_answer(site: Site, slug: str) -> Choice:
    """Return the right answer to the practice trial that is on."""
    [(side, expected, _)] = site.rows(EXPECTED, slug)
    other: Choice = "left" if side == "right" else "right"
    answers: dict[str, Choice] = {"finetuned": side, "original": other, "neither": "neither"}
    return answers[expected]


def wrong_answer(site: Site, slug: str) -> Choice:
    """Return an answer to the practice trial that is on that is not right."""
    return "left" if right_answer(site, slug) == "right" else "right"


@pytest.fixture
def practising(new_annotator: NewAnnotator) -> Annotator:
    """An annotator at the start of the practice."""
    annotator = new_annotator(protocol=PRACTICE)
    annotator.open()
    annotator.on_page("Practice")
    return annotator


def answer(annotator: Annotator, site: Site, *, rightly: bool) -> None:
    annotator.ready()
    choose = right_answer if rightly else wrong_answer
    annotator.option(choose(site, annotator.slug)).click()
    title = "That is right" if rightly else "That is not right"
    expect(annotator.page.get_by_role("heading", name=title)).to_be_focused()
    expect(annotator.page.locator("#waiting")).to_be_hidden()
    annotator.press("Go on")


def test_a_practice_that_is_passed_leads_to_the_trials(practising: Annotator, site: Site) -> None:
    expect(
        practising.page.get_by_text("2 practice trials follow. To go on, 2 right answers are needed.")
    ).to_be_visible()
    practising.press("Start the practice")
    answer(practising, site, rightly=True)
    answer(practising, site, rightly=True)
    practising.ready()
    practising.expect_progress("0 of 6")
    assert [key for key, _ in site.pages(practising.slug)] == ["practice"]


def test_a_practice_that_is_not_passed_is_repeated_and_says_how_it_went(practising: Annotator, site: Site) -> None:
    practising.press("Start the practice")
    answer(practising, site, rightly=True)
    answer(practising, site, rightly=False)
    practising.on_page("Practice, round 2 of 2")
    expect(practising.page.get_by_text("1 answer was right in the last round.")).to_be_visible()
    practising.press("Start the practice")
    answer(practising, site, rightly=True)
    answer(practising, site, rightly=True)
    practising.ready()
    practising.expect_progress("0 of 6")


def test_a_practice_that_is_never_passed_ends_the_study(practising: Annotator, site: Site) -> None:
    for _ in range(2):
        practising.press("Start the practice")
        answer(practising, site, rightly=False)
        answer(practising, site, rightly=False)
    practising.page.wait_for_url("**/done/")
    assert site.participation(practising.slug) == "failed_checks"


def test_a_reload_in_mid_practice_goes_on_with_what_is_left_of_the_round(practising: Annotator, site: Site) -> None:
    practising.press("Start the practice")
    answer(practising, site, rightly=True)
    practising.ready()
    practising.page.reload()
    practising.on_page("Practice")
    practising.press("Start the practice")
    answer(practising, site, rightly=True)
    practising.ready()
    practising.expect_progress("0 of 6")


def test_a_practice_answer_waits_for_the_connection_and_its_feedback(practising: Annotator, site: Site) -> None:
    practising.press("Start the practice")
    practising.ready()
    practising.cut_connection()
    practising.option(right_answer(site, practising.slug)).click()
    expect(practising.page.get_by_text("No connection just now")).to_be_visible()
    expect(practising.page.get_by_role("heading", name="That is right")).to_be_hidden()
    practising.restore_connection()
    practising.page.evaluate("dispatchEvent(new Event('online'))")
    expect(practising.page.get_by_role("heading", name="That is right")).to_be_visible()


def test_practice_offers_no_undo_and_keeps_undo_keys_away(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(protocol=protocol(practice(), TRIALS, undo=True))
    annotator.open()
    annotator.press("Start the practice")
    answer(annotator, site, rightly=True)
    annotator.ready()
    expect(annotator.page.locator("#undo")).to_be_hidden()
    annotator.page.keyboard.press("u")
    answer(annotator, site, rightly=True)
    annotator.ready()
    annotator.expect_progress("0 of 6")
