"""Stopping for good in the middle of a study."""

import pytest
from playwright.sync_api import expect

from tests.e2e.annotator import UNSENT, Annotator
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e


@pytest.fixture
def asked(annotator: Annotator) -> Annotator:
    """An annotator with two answers, who is asked whether to stop."""
    annotator.start()
    annotator.answer("left", "right")
    annotator.ready()
    annotator.press("Stop taking part")
    expect(annotator.page.get_by_role("dialog", name="Stop taking part?")).to_be_visible()
    return annotator


def test_the_dialog_starts_at_going_on_and_gives_the_focus_back(asked: Annotator, site: Site) -> None:
    stay = asked.page.get_by_role("button", name="Go on with the study")
    expect(stay).to_be_focused()
    # Keys are the dialog's now, not the trial's.
    asked.page.keyboard.press("1")
    stay.press("Enter")
    expect(asked.page.get_by_role("dialog")).to_be_hidden()
    expect(asked.page.get_by_role("button", name="Stop taking part")).to_be_focused()
    asked.answer("neither")
    assert len(site.wait_for_answers(asked.slug, 3)) == 3
    assert site.participation(asked.slug) == "active"


def test_escape_goes_on_with_the_study(asked: Annotator, site: Site) -> None:
    asked.page.keyboard.press("Escape")
    expect(asked.page.get_by_role("dialog")).to_be_hidden()
    assert site.participation(asked.slug) == "active"


def test_stopping_keeps_the_answers_and_ends_the_study(asked: Annotator, site: Site) -> None:
    asked.press("Stop, and keep my answers")
    asked.page.wait_for_url("**/done/")
    assert site.participation(asked.slug) == "withdrawn"
    assert site.answers(asked.slug) == [(1, 1, "left"), (2, 1, "right")]
    asked.open()
    asked.page.wait_for_url("**/done/")


def test_stopping_can_delete_the_answers(asked: Annotator, site: Site) -> None:
    asked.press("Stop, and delete my answers")
    asked.page.wait_for_url("**/done/")
    assert site.participation(asked.slug) == "withdrawn"
    assert site.answers(asked.slug) == []


def test_what_is_unsent_is_deleted_too(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.context.route("**/responses/", lambda route: route.abort("connectionfailed"))
    annotator.answer("left")
    annotator.ready()
    assert annotator.page.evaluate(UNSENT) == 1
    annotator.press("Stop taking part")
    annotator.press("Stop, and delete my answers")
    annotator.page.wait_for_url("**/done/")
    assert annotator.page.evaluate(UNSENT) == 0
    assert site.answers(annotator.slug) == []


def test_stopping_waits_for_the_connection_and_says_so(asked: Annotator, site: Site) -> None:
    asked.cut_connection()
    asked.press("Stop, and keep my answers")
    expect(asked.page.get_by_text("No connection just now")).to_be_visible()
    assert site.participation(asked.slug) == "active"
    asked.restore_connection()
    asked.page.evaluate("dispatchEvent(new Event('online'))")
    asked.page.wait_for_url("**/done/")
    assert site.participation(asked.slug) == "withdrawn"
