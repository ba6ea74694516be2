"""A study that researchers pause or close while its runner is open."""

import contextlib

import pytest
from playwright.sync_api import TimeoutError as PageTimeoutError
from playwright.sync_api import expect

from tests.e2e.annotator import Annotator
from tests.e2e.site import Site
from tests.e2e.test_resuming import UNSENT

pytestmark = pytest.mark.e2e


def test_a_study_paused_under_way_says_so_and_goes_on_later(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.page.wait_for_load_state("networkidle")
    site.set_state(annotator.slug, "paused")
    # The pause is known from the reply to this answer; the next trial is on the screen by then.
    with annotator.page.expect_response("**/responses/"):
        annotator.answer("left")
    annotator.answer("right")
    heading = annotator.page.get_by_role("heading", name="The study is paused")
    expect(heading).to_be_visible()
    expect(annotator.page.locator(".trial")).to_have_count(0)
    expect(annotator.page.get_by_role("alert")).to_be_hidden()
    assert site.wait_for_answers(annotator.slug, 2) == [(1, 1, "left"), (2, 1, "right")]
    annotator.page.get_by_role("button", name="Look again").click()
    expect(heading).to_be_visible()
    site.set_state(annotator.slug, "open")
    # The page may have looked by itself in this moment; then there is no button any more.
    with contextlib.suppress(PageTimeoutError):
        annotator.page.get_by_role("button", name="Look again").click(timeout=3000)
    annotator.answer("left", "left", "left", "left")
    annotator.finish()
    assert len(site.answers(annotator.slug)) == 6


def test_what_is_unsent_in_a_paused_study_is_kept_and_arrives(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.page.wait_for_load_state("networkidle")
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
    annotator.page.wait_for_load_state("networkidle")
    site.set_state(annotator.slug, "closed")
    annotator.page.reload()
    expect(annotator.page.get_by_role("heading", name="The study is closed")).to_be_visible()
    annotator.page.get_by_role("button", name="Finish").click()
    annotator.page.wait_for_url("**/done/")
    assert site.answers(annotator.slug) == []
