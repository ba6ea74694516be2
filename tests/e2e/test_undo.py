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
    annotator.expect_prediction(first)
    annotator.answer("right")
    annotator.expect_prediction(second)
    annotator.expect_progress("1 of 6")
    assert site.wait_for_answers(annotator.slug, 2) == [(1, 1, "left"), (1, 2, "right")]


@pytest.mark.parametrize("key", ["u", "Backspace"])
def test_keys_undo(annotator: Annotator, key: str) -> None:
    annotator.start()
    first = annotator.prediction()
    annotator.answer("left")
    annotator.ready()
    annotator.page.keyboard.press(key)
    annotator.expect_prediction(first)


def test_an_undone_trial_can_be_left_as_it_was(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.answer("left")
    annotator.ready()
    second = annotator.prediction()
    annotator.page.get_by_role("button", name="Undo").click()
    annotator.ready()
    annotator.page.get_by_role("button", name="Keep my answer").click()
    annotator.expect_prediction(second)
    annotator.answer("right")
    assert site.wait_for_answers(annotator.slug, 2) == [(1, 1, "left"), (2, 1, "right")]


def test_undo_works_after_a_reload(annotator: Annotator, site: Site) -> None:
    annotator.start()
    first = annotator.prediction()
    annotator.answer("left")
    assert site.wait_for_answers(annotator.slug, 1) == [(1, 1, "left")]
    annotator.start()
    annotator.page.get_by_role("button", name="Undo").click()
    annotator.expect_prediction(first)
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


def test_the_last_answer_can_be_undone_before_finishing(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.answer("left", "left", "left", "left", "left")
    annotator.ready()
    last = annotator.prediction()
    annotator.answer("left")
    annotator.expect_last()
    annotator.page.get_by_role("button", name="Undo").click()
    annotator.expect_prediction(last)
    annotator.answer("neither")
    annotator.expect_last()
    annotator.expect_progress("6 of 6")
    annotator.finish()
    assert site.answers(annotator.slug)[-2:] == [(6, 1, "left"), (6, 2, "neither")]


def test_the_keyboard_alone_undoes_the_last_answer_and_finishes(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.answer("left", "left", "left", "left", "left", "left")
    annotator.expect_last()
    annotator.page.keyboard.press("u")
    annotator.ready()
    annotator.page.keyboard.press("2")
    annotator.expect_last()
    assert annotator.page.evaluate("document.activeElement.innerText") == "That was the last trial"
    reached = []
    for _ in range(2):
        annotator.page.keyboard.press("Tab")
        reached.append(annotator.page.evaluate("document.activeElement.innerText"))
    assert reached == ["Undo", "Finish"]
    annotator.page.keyboard.press("Enter")
    annotator.expect_done()
    assert site.answers(annotator.slug)[-1] == (6, 2, "right")


def test_the_last_answer_can_still_be_undone_after_a_reload(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.answer("left", "left", "left", "left", "left", "left")
    annotator.expect_last()
    annotator.page.reload()
    annotator.expect_last()
    annotator.page.get_by_role("button", name="Undo").click()
    annotator.ready()
    annotator.page.get_by_role("button", name="Keep my answer").click()
    annotator.finish()
    assert len(site.answers(annotator.slug)) == 6


def test_a_double_click_on_the_last_trial_does_not_press_what_comes_next(annotator: Annotator) -> None:
    annotator.start()
    annotator.answer("left", "left", "left", "left", "left")
    annotator.ready()
    annotator.answer("neither")
    annotator.expect_last()
    finish = annotator.page.get_by_role("button", name="Finish")
    finish.dispatch_event("click", {"detail": 2})
    expect(finish).to_be_enabled()
    annotator.finish()


def test_a_study_without_undo_ends_with_its_last_answer(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(allow_undo=False, offer_neither=False)
    annotator.start()
    annotator.answer("left", "left", "left", "left", "left", "right")
    annotator.expect_done()
    assert site.answers(annotator.slug)[-1] == (6, 1, "right")


def test_an_answer_in_another_tab_is_not_undone_here(annotator: Annotator, site: Site) -> None:
    annotator.without_locks()
    annotator.start()
    other = annotator.watch(annotator.context.new_page())
    annotator.start(other)
    annotator.page.bring_to_front()
    annotator.answer("left")
    annotator.ready()
    expect(annotator.page.get_by_role("button", name="Undo")).to_be_visible()
    second = annotator.prediction()
    other.bring_to_front()
    annotator.expect_prediction(second, other)
    annotator.answer("right", page=other)
    annotator.page.bring_to_front()
    expect(annotator.page.get_by_role("button", name="Undo")).to_be_hidden()
    assert site.wait_for_answers(annotator.slug, 2) == [(1, 1, "left"), (2, 1, "right")]
