"""Windows that are too small for a study's pictures."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewAnnotator
from tests.e2e.protocols import INSTRUCTIONS, TRIALS, protocol
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

LARGE = protocol(INSTRUCTIONS, TRIALS, least=(900, 600))


def test_a_small_window_gets_the_pages_but_no_trials_until_it_grows(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(protocol=LARGE, viewport={"width": 600, "height": 700})
    annotator.open()
    annotator.on_page("What you will see")
    annotator.press("Continue")
    refusal = annotator.page.get_by_role("heading", name="This window is too small")
    expect(refusal).to_be_visible()
    expect(annotator.page.get_by_text("at least 900 × 600 pixels")).to_be_visible()
    annotator.ready()
    annotator.page.keyboard.press("1")
    annotator.page.set_viewport_size({"width": 900, "height": 600})
    expect(refusal).to_be_hidden()
    annotator.answer("right")
    assert site.wait_for_answers(annotator.slug, 1) == [(1, 1, "right")]


def test_a_window_that_shrinks_under_way_covers_the_trial_which_is_noted(
    new_annotator: NewAnnotator, site: Site
) -> None:
    annotator = new_annotator(protocol=LARGE)
    annotator.open()
    annotator.press("Continue")
    annotator.ready()
    annotator.page.set_viewport_size({"width": 800, "height": 720})
    expect(annotator.page.get_by_role("heading", name="This window is too small")).to_be_visible()
    annotator.page.wait_for_timeout(300)
    annotator.page.set_viewport_size({"width": 1280, "height": 720})
    annotator.answer("left")
    site.wait_for_answers(annotator.slug, 1)
    [row] = site.responses(annotator.slug)
    assert row.timing["covered"] == 1
    assert 250 < row.timing["covered_ms"] < row.rt_ms
