"""One tab at a time."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.annotator import Annotator
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e


@pytest.fixture
def second(annotator: Annotator) -> Page:
    """A second tab beside the annotator's own, which has a trial on."""
    annotator.start()
    page = annotator.watch(annotator.context.new_page())
    annotator.open(page)
    return page


def test_a_second_tab_says_that_the_study_is_open_in_another(annotator: Annotator, second: Page) -> None:
    heading = second.get_by_role("heading", name="This study is open in another tab")
    expect(heading).to_be_focused()
    assert second.locator(".trial").count() == 0
    annotator.answer("left")
    annotator.expect_progress("1 of 6")


def test_the_second_tab_can_take_over_and_the_first_one_rests(annotator: Annotator, second: Page, site: Site) -> None:
    second.get_by_role("button", name="Go on here").click()
    annotator.ready(second)
    expect(annotator.page.get_by_role("heading", name="The study goes on in another tab")).to_be_visible()
    expect(annotator.page.locator("#stage")).to_be_hidden()
    annotator.page.keyboard.press("1")
    annotator.answer("right", page=second)
    assert site.wait_for_answers(annotator.slug, 1) == [(1, 1, "right")]


def test_the_resting_tab_can_take_the_study_back(annotator: Annotator, second: Page, site: Site) -> None:
    second.get_by_role("button", name="Go on here").click()
    annotator.answer("left", page=second)
    annotator.ready(second)
    site.wait_for_answers(annotator.slug, 1)
    annotator.press("Go on here")
    annotator.ready()
    annotator.expect_progress("1 of 6")
    expect(second.get_by_role("heading", name="The study goes on in another tab")).to_be_visible()


def test_the_second_tab_goes_on_by_itself_when_the_first_is_closed(annotator: Annotator, second: Page) -> None:
    expect(second.get_by_role("heading", name="This study is open in another tab")).to_be_visible()
    annotator.page.close()
    annotator.ready(second)
    expect(second.locator("#elsewhere")).to_be_hidden()


def test_a_reload_is_no_second_tab(annotator: Annotator) -> None:
    annotator.start()
    for _ in range(3):
        annotator.page.reload()
        annotator.ready()
    expect(annotator.page.locator("#elsewhere")).to_be_hidden()


def test_tabs_of_two_studies_do_not_mind_each_other(annotator: Annotator, site: Site) -> None:
    annotator.start()
    other = site.study()
    annotator.be_logged_in(other)
    page = annotator.watch(annotator.context.new_page())
    page.goto(f"{site.url}/studies/{other}/")
    annotator.ready(page)
