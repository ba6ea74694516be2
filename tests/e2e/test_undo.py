"""Taking back the last answer."""

import pytest
from playwright.sync_api import expect

from tests.e2e.annotator import Annotator
from tests.e2e.conftest import NewAnnotator
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e


def test_undo_shows_the_last_trial_again_and_stores_a_second_revision(annotator: Annotator, site: Site) -> None:
    annotator.start()
    first = annotator.prediction()
    annotator.answer("left")
    annotator.ready()
    second = annotator.prediction()
    annotator.page.get_by_role("button", name="Undo").click()
    annotator.ready()
    assert annotator.prediction() == first
    annotator.answer("right")
    annotator.ready()
    assert annotator.prediction() == second
    annotator.expect_progress("1 of 6")
    assert site.wait_for_answers(annotator.slug, 2) == [(1, 1, "left"), (1, 2, "right")]


@pytest.mark.parametrize("key", ["u", "Backspace"])
def test_keys_undo(annotator: Annotator, key: str) -> None:
    annotator.start()
    first = annotator.prediction()
    annotator.answer("left")
    annotator.ready()
    annotator.page.keyboard.press(key)
    annotator.ready()
    assert annotator.prediction() == first


def test_an_undone_trial_can_be_left_as_it_was(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.answer("left")
    annotator.ready()
    second = annotator.prediction()
    annotator.page.get_by_role("button", name="Undo").click()
    annotator.ready()
    annotator.page.get_by_role("button", name="Keep my answer").click()
    annotator.ready()
    assert annotator.prediction() == second
    annotator.answer("right")
    assert site.wait_for_answers(annotator.slug, 2) == [(1, 1, "left"), (2, 1, "right")]


def test_undo_works_after_a_reload(annotator: Annotator, site: Site) -> None:
    annotator.start()
    first = annotator.prediction()
    annotator.answer("left")
    assert site.wait_for_answers(annotator.slug, 1) == [(1, 1, "left")]
    annotator.start()
    annotator.page.get_by_role("button", name="Undo").click()
    annotator.ready()
    assert annotator.prediction() == first
    annotator.answer("neither")
    assert site.wait_for_answers(annotator.slug, 2) == [(1, 1, "left"), (1, 2, "neither")]


def test_there_is_nothing_to_undo_at_the_start(annotator: Annotator) -> None:
    annotator.start()
    expect(annotator.page.get_by_role("button", name="Undo")).to_be_hidden()


def test_a_study_without_undo_offers_none(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(allow_undo=False, offer_neither=False)
    annotator.start()
    annotator.answer("left")
    annotator.ready()
    second = annotator.prediction()
    expect(annotator.page.get_by_role("button", name="Undo")).to_be_hidden()
    annotator.page.keyboard.press("u")
    annotator.answer("right")
    assert site.wait_for_answers(annotator.slug, 2) == [(1, 1, "left"), (2, 1, "right")]
    assert second != annotator.prediction()
