"""From the log-in to the done page."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.annotator import Annotator, Choice
from tests.e2e.conftest import NewAnnotator
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e


def test_a_wrong_password_is_told_and_lets_nobody_in(site: Site, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{site.url}/")
    page.get_by_label("Username").fill("maps-00")
    page.get_by_label("Password").fill("a guess")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("correct username and password")
    page.goto(f"{site.url}/")
    assert "/accounts/login/" in page.url
    page.close()


def test_a_study_is_started_from_the_list_and_answered_to_its_end_by_mouse(annotator: Annotator, site: Site) -> None:
    choices: list[Choice] = ["left", "right", "neither", "right", "left", "left"]
    annotator.context.clear_cookies()
    annotator.log_in()
    annotator.page.get_by_role("link", name="Start").click()
    annotator.answer(*choices)
    annotator.finish()
    assert site.answers(annotator.slug) == [(place, 1, given) for place, given in enumerate(choices, start=1)]
    assert {row.timing["input"] for row in site.responses(annotator.slug)} == {"mouse"}
    annotator.page.get_by_role("link", name="My studies").click()
    expect(annotator.page.get_by_text("Finished, thank you")).to_be_visible()


def test_number_keys_and_arrow_keys_answer(annotator: Annotator, site: Site) -> None:
    annotator.start()
    for key in ("1", "2", "3", "ArrowLeft", "ArrowRight", "ArrowDown"):
        annotator.ready()
        annotator.page.keyboard.press(key)
    annotator.finish()
    given = [row.given for row in site.responses(annotator.slug)]
    assert given == ["left", "right", "neither", "left", "right", "neither"]
    assert {row.timing["input"] for row in site.responses(annotator.slug)} == {"keyboard"}


def test_taps_answer_on_a_phone(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    annotator.start()
    for choice in ("right", "neither", "left", "neither", "right", "left"):
        annotator.ready()
        annotator.option(choice).tap()
    annotator.finish()
    rows = site.responses(annotator.slug)
    assert [row.given for row in rows] == ["right", "neither", "left", "neither", "right", "left"]
    assert {row.timing["input"] for row in rows} == {"touch"}


def test_a_study_without_neither_has_no_such_button_and_ignores_its_keys(
    new_annotator: NewAnnotator, site: Site
) -> None:
    annotator = new_annotator(allow_undo=False, offer_neither=False)
    annotator.start()
    expect(annotator.option("neither")).to_have_count(0)
    annotator.page.keyboard.press("3")
    annotator.page.keyboard.press("ArrowDown")
    annotator.page.keyboard.press("1")
    annotator.expect_progress("1 of 6")
    assert site.wait_for_answers(annotator.slug, 1) == [(1, 1, "left")]


def test_a_started_study_is_continued_from_the_list(annotator: Annotator) -> None:
    annotator.start()
    annotator.answer("left", "right")
    annotator.ready()
    annotator.page.get_by_role("link", name="Pause").click()
    expect(annotator.page.get_by_text("2 of 6")).to_be_visible()
    annotator.page.get_by_role("link", name="Continue").click()
    annotator.ready()
    annotator.expect_progress("2 of 6")
