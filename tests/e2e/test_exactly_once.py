"""However an answer is given, it is there once."""

import pytest
from playwright.sync_api import expect

from tests.e2e.annotator import Annotator
from tests.e2e.conftest import NewAnnotator
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e


# Second clicks of a double click, in each frame in which there can be one, on whatever trial takes answers then.
DOUBLE_CLICK = """() => new Promise((resolve) => {
    const click = (detail) => {
        const map = document.querySelector(".trial:not([data-answer]) [data-choice=left]");
        map?.dispatchEvent(new PointerEvent("click", { bubbles: true, detail, pointerType: "mouse" }));
    };
    const start = performance.now();
    const again = () => {
        if (performance.now() > start + 320) return resolve();
        click(2);
        requestAnimationFrame(again);
    };
    click(1);
    requestAnimationFrame(again);
})"""


def test_a_double_click_gives_one_answer(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.page.evaluate(DOUBLE_CLICK)
    annotator.ready()
    annotator.expect_progress("1 of 6")
    assert site.wait_for_answers(annotator.slug, 1) == [(1, 1, "left")]


def test_a_key_that_is_held_down_gives_one_answer(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.page.keyboard.down("1")
    annotator.ready()
    # Playwright repeats a key that is pressed again without having been released.
    annotator.page.keyboard.down("1")
    annotator.page.keyboard.up("1")
    annotator.answer("right")
    assert site.wait_for_answers(annotator.slug, 2) == [(1, 1, "left"), (2, 1, "right")]


def test_where_tabs_are_not_kept_apart_an_answer_in_one_moves_the_other_on(annotator: Annotator, site: Site) -> None:
    annotator.without_locks()
    annotator.start()
    other = annotator.watch(annotator.context.new_page())
    annotator.start(other)
    assert annotator.prediction(other) == annotator.prediction()
    annotator.page.bring_to_front()
    annotator.answer("left")
    annotator.ready()
    second = annotator.prediction()
    other.bring_to_front()
    expect(other.locator(".trial:not([data-answer]) .prediction b")).to_have_text(second)
    annotator.answer("right", page=other)
    assert site.wait_for_answers(annotator.slug, 2) == [(1, 1, "left"), (2, 1, "right")]


def test_two_browsers_with_the_same_trial_leave_one_answer(new_annotator: NewAnnotator, site: Site) -> None:
    here = new_annotator()
    there = new_annotator(slug=here.slug)
    here.start()
    there.start()
    assert here.prediction() == there.prediction()
    here.answer("left")
    assert site.wait_for_answers(here.slug, 1) == [(1, 1, "left")]
    with there.page.expect_response("**/responses/") as reply:
        there.answer("right")
    assert reply.value.status == 409
    there.answer("neither")
    assert site.wait_for_answers(here.slug, 2) == [(1, 1, "left"), (2, 1, "neither")]
    expect(there.page.get_by_role("alert")).to_be_hidden()
