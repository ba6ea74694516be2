"""A study that researchers pause or close while its runner is open."""

import pytest
from playwright.sync_api import expect

from tests.e2e.annotator import UNSENT, Annotator
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e


def test_a_study_paused_under_way_says_so_and_goes_on_later(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.all_loaded()
    site.set_state(annotator.slug, "paused")
    # The pause is known from the reply to this answer, which comes when the next trial is on the screen.
    with annotator.answers_held():
        annotator.answer("left")
        annotator.ready()
    annotator.sent()
    annotator.answer("right")
    heading = annotator.page.get_by_role("heading", name="The study is paused")
    expect(heading).to_be_visible()
    expect(annotator.page.locator(".trial")).to_have_count(0)
    expect(annotator.page.get_by_role("alert")).to_be_hidden()
    assert site.wait_for_answers(annotator.slug, 2) == [(1, 1, "left"), (2, 1, "right")]
    look_again = annotator.page.get_by_role("button", name="Look again")
    look_again.click()
    # It is off until the server has said that nothing has changed.
    expect(look_again).to_be_enabled()
    expect(heading).to_be_visible()
    site.set_state(annotator.slug, "open")
    look_again.click()
    annotator.answer("left", "left", "left", "left")
    annotator.finish()
    assert len(site.answers(annotator.slug)) == 6


def test_what_is_unsent_in_a_paused_study_is_kept_and_arrives(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.all_loaded()
    annotator.cut_connection()
    annotator.answer("left", "right")
    annotator.ready()
    site.set_state(annotator.slug, "paused")
    assert annotator.page.evaluate(UNSENT) == 2
    annotator.restore_connection()
    annotator.page.evaluate("dispatchEvent(new Event('online'))")
    expect(annotator.page.get_by_text("All your answers have arrived")).to_be_visible()
    annotator.answer("neither")
    expect(annotator.page.get_by_role("heading", name="The study is paused")).to_be_visible()
    assert site.wait_for_answers(annotator.slug, 3) == [(1, 1, "left"), (2, 1, "right"), (3, 1, "neither")]
    annotator.expect_progress("3 of 6")


def test_a_paused_study_shows_no_trial_to_those_who_come_by_its_address(annotator: Annotator, site: Site) -> None:
    annotator.start()
    site.set_state(annotator.slug, "paused")
    annotator.page.reload()
    expect(annotator.page.get_by_role("heading", name="The study is paused")).to_be_visible()
    expect(annotator.page.locator(".trial")).to_have_count(0)


def test_a_study_closed_under_way_says_so_and_ends(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.all_loaded()
    site.set_state(annotator.slug, "closed")
    annotator.page.reload()
    expect(annotator.page.get_by_role("heading", name="The study is closed")).to_be_visible()
    annotator.page.get_by_role("button", name="Finish").click()
    annotator.page.wait_for_url("**/done/")
    assert site.answers(annotator.slug) == []
