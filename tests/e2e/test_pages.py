"""The pages around the trials: consent, text, questionnaires, jsPsych's own plugins."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.e2e.annotator import Annotator
from tests.e2e.conftest import NewAnnotator
from tests.e2e.protocols import CONSENT, DEBRIEFING, INSTRUCTIONS, PLUGIN, QUESTIONNAIRE, TRIALS, protocol
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

BEFORE = protocol(CONSENT, INSTRUCTIONS, QUESTIONNAIRE, TRIALS)
AFTER = protocol(TRIALS, PLUGIN, DEBRIEFING)
FORM = protocol(QUESTIONNAIRE, TRIALS)
ANSWERS: dict[str, Any] = {"age": 34, "vision": "Yes", "devices": ["Phone", "Tablet"], "expertise": 5}


# Keeps what is first said of a page that cannot be left yet, if its button is off then.
NOTE_HOLD = """new MutationObserver((_, observer) => {
    const [told, button] = [document.querySelector(".page-hold"), document.querySelector(".page-ways button")];
    if (!told?.textContent) return;
    observer.disconnect();
    globalThis.held = button.disabled ? told.textContent : "the button is on";
}).observe(document, { subtree: true, childList: true, characterData: true });"""


def fill(page: Page) -> None:
    """Enter `ANSWERS`."""
    page.get_by_label("How old are you?").fill("34")
    page.get_by_label("Yes", exact=True).check()
    page.get_by_label("Phone").check()
    page.get_by_label("Tablet").check()
    page.get_by_label("5", exact=True).check()


@pytest.fixture
def at_form(new_annotator: NewAnnotator) -> Annotator:
    """An annotator in front of the questionnaire."""
    annotator = new_annotator(protocol=FORM)
    annotator.open()
    annotator.on_page("About you")
    return annotator


def test_pages_lead_to_the_trials_and_are_stored(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(protocol=BEFORE)
    annotator.open()
    annotator.on_page("Taking part in this study")
    annotator.expect_progress("Step 1 of 4")
    annotator.press("I agree and take part")
    annotator.on_page("What you will see")
    expect(annotator.page.get_by_role("heading", name="Your task")).to_be_visible()
    annotator.press("Continue")
    annotator.on_page("About you")
    fill(annotator.page)
    annotator.press("Continue")
    annotator.ready()
    annotator.expect_progress("0 of 6")
    assert site.pages(annotator.slug) == [("consent", {"accepted": True}), ("instructions", {}), ("about-you", ANSWERS)]


def test_a_reload_stays_on_its_page(new_annotator: NewAnnotator) -> None:
    annotator = new_annotator(protocol=BEFORE)
    annotator.open()
    annotator.on_page("Taking part in this study")
    annotator.page.reload()
    annotator.on_page("Taking part in this study")
    annotator.press("I agree and take part")
    annotator.on_page("What you will see")
    annotator.page.reload()
    annotator.on_page("What you will see")
    annotator.page.go_back()
    annotator.open()
    annotator.on_page("What you will see")


def test_who_declines_is_asked_once_more_and_leaves_nothing_but_that(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(protocol=BEFORE)
    annotator.open()
    annotator.press("I do not take part")
    annotator.on_page("Leave the study?")
    annotator.press("Back to the page")
    annotator.on_page("Taking part in this study")
    assert site.pages(annotator.slug) == []
    annotator.press("I do not take part")
    annotator.press("Leave the study")
    annotator.page.wait_for_url("**/done/")
    assert site.participation(annotator.slug) == "withdrawn"
    assert site.pages(annotator.slug) == [("consent", {"accepted": False})]


def test_a_page_cannot_be_left_before_its_time(new_annotator: NewAnnotator) -> None:
    slow = INSTRUCTIONS + "least_seconds = 2.5\n"
    annotator = new_annotator(protocol=protocol(slow, TRIALS))
    annotator.page.add_init_script(NOTE_HOLD)
    annotator.open()
    annotator.on_page("What you will see")
    button = annotator.page.get_by_role("button", name="Continue")
    expect(button).to_be_enabled()
    assert re.fullmatch(r"You can go on in \d seconds?\.", annotator.page.evaluate("held"))
    button.click()
    annotator.ready()


def test_what_is_missing_is_said_at_its_question_which_gets_the_focus(at_form: Annotator, site: Site) -> None:
    page = at_form.page
    page.get_by_label("How old are you?").fill("17")
    page.get_by_label("Yes", exact=True).check()
    at_form.press("Continue")
    expect(page.get_by_role("alert").filter(has_text="Please look at 2 questions again.")).to_be_visible()
    age = page.get_by_label("How old are you?")
    expect(age).to_be_focused()
    expect(age).to_have_accessible_description("In years This must be 18 or more.")
    expect(page.get_by_role("group", name="Do you know the field?")).to_have_accessible_description(
        "Please answer this question."
    )
    assert site.pages(at_form.slug) == []
    age.fill("18")
    expect(page.get_by_text("This must be 18 or more.")).to_have_count(0)
    expect(page.get_by_role("alert").filter(has_text="Please look at 1 question again.")).to_be_visible()


def test_what_the_server_finds_is_said_at_its_question_and_nothing_entered_is_lost(
    at_form: Annotator, site: Site
) -> None:
    body = {"answers": {"age": "Nobody is that old."}}
    at_form.context.route("**/pages/**", lambda route: route.fulfill(status=400, json=body), times=1)
    fill(at_form.page)
    at_form.press("Continue")
    expect(at_form.page.get_by_text("Nobody is that old.")).to_be_visible()
    expect(at_form.page.get_by_label("How old are you?")).to_have_value("34")
    at_form.press("Continue")
    at_form.ready()
    assert site.pages(at_form.slug) == [("about-you", ANSWERS)]


def test_a_reload_keeps_what_was_being_entered(at_form: Annotator, site: Site) -> None:
    fill(at_form.page)
    at_form.page.get_by_label("Why do you take part?").fill("To learn <b>something</b>.")
    at_form.page.reload()
    at_form.on_page("About you")
    at_form.press("Continue")
    at_form.ready()
    assert site.pages(at_form.slug) == [("about-you", ANSWERS | {"why": "To learn <b>something</b>."})]


def test_a_completed_page_waits_for_the_connection_across_a_reload(at_form: Annotator, site: Site) -> None:
    fill(at_form.page)
    at_form.cut_connection()
    at_form.press("Continue")
    expect(at_form.page.get_by_text("No connection just now")).to_be_visible()
    at_form.page.reload()
    assert site.pages(at_form.slug) == []
    at_form.restore_connection()
    at_form.page.evaluate("dispatchEvent(new Event('online'))")
    at_form.ready()
    assert site.pages(at_form.slug) == [("about-you", ANSWERS)]


def test_a_page_whose_reply_is_lost_is_stored_once(at_form: Annotator, site: Site) -> None:
    uuids: list[str] = []
    sent: list[Request] = []

    def lose_the_reply(route: Route) -> None:
        uuids.append(json.loads(route.request.post_data or "")["uuid"])
        route.fetch()
        route.abort("connectionreset")

    at_form.context.route("**/pages/**", lose_the_reply, times=1)
    at_form.page.on("request", lambda request: sent.append(request))
    fill(at_form.page)
    at_form.press("Continue")
    at_form.ready()
    uuids += [json.loads(each.post_data or "")["uuid"] for each in sent if "/pages/" in each.url]
    assert len(uuids) >= 2
    assert len(set(uuids)) == 1
    assert site.pages(at_form.slug) == [("about-you", ANSWERS)]


def test_a_page_waits_for_a_new_log_in(at_form: Annotator, site: Site) -> None:
    fill(at_form.page)
    at_form.context.clear_cookies()
    at_form.press("Continue")
    expect(at_form.page.get_by_role("link", name="Log in again")).to_be_visible()
    assert site.pages(at_form.slug) == []
    at_form.be_logged_in()
    at_form.open()
    at_form.ready()
    assert site.pages(at_form.slug) == [("about-you", ANSWERS)]


def test_only_trials_are_on_grey(new_annotator: NewAnnotator) -> None:
    annotator = new_annotator(protocol=protocol(INSTRUCTIONS, TRIALS, DEBRIEFING), color_scheme="dark")
    surround = "getComputedStyle(document.body).backgroundColor"
    annotator.open()
    annotator.on_page("What you will see")
    assert annotator.page.evaluate(surround) == "rgb(20, 24, 26)"
    annotator.press("Continue")
    annotator.ready()
    assert annotator.page.evaluate(surround) == "rgb(128, 128, 128)"
    annotator.answer("left", "left", "left", "left", "left", "left")
    annotator.on_page("What this was about")
    assert annotator.page.evaluate(surround) == "rgb(20, 24, 26)"


def test_what_ends_the_participation_under_way_ends_the_trials(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(protocol=AFTER)
    annotator.start()
    annotator.answer("left")
    annotator.ready()
    annotator.sent()
    site.end_participation(annotator.slug, "failed_checks")
    annotator.answer("right")
    annotator.page.wait_for_url("**/done/")
    assert len(site.answers(annotator.slug)) <= 2


def test_an_answer_that_screens_out_ends_the_study(at_form: Annotator, site: Site) -> None:
    fill(at_form.page)
    at_form.page.get_by_label("No", exact=True).check()
    at_form.press("Continue")
    at_form.page.wait_for_url("**/done/")
    assert site.participation(at_form.slug) == "screened_out"


def test_the_browser_is_not_told_which_answers_screen_out(new_annotator: NewAnnotator) -> None:
    annotator = new_annotator(protocol=FORM)
    with annotator.page.expect_response("**/steps/next/") as reply:
        annotator.open()
    assert "screen" not in reply.value.text()


def test_a_stock_plugin_and_a_debriefing_come_after_the_trials(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(protocol=AFTER, allow_undo=False)
    annotator.start()
    annotator.answer("left", "left", "left", "left", "left", "left")
    annotator.on_page("Afterwards")
    annotator.page.reload()
    annotator.on_page("Afterwards")
    annotator.page.get_by_label("Rather").check()
    annotator.press("Continue")
    annotator.on_page("What this was about")
    annotator.page.reload()
    annotator.on_page("What this was about")
    annotator.press("Finish the study")
    annotator.page.wait_for_url("**/done/")
    assert site.participation(annotator.slug) == "completed"
    kept = dict(site.pages(annotator.slug))
    assert kept["afterwards"]["response"] == {"easy": 1}
    assert kept["afterwards"]["rt"] > 0
    assert list(kept) == ["trials", "afterwards", "debriefing"]


def test_inline_styles_are_allowed_only_where_a_stock_plugin_writes_them(new_annotator: NewAnnotator) -> None:
    policies = []
    for text in (AFTER, BEFORE):
        annotator = new_annotator(protocol=text)
        reply = annotator.page.goto(f"{annotator.site.url}/studies/{annotator.slug}/")
        assert reply is not None
        policies.append(reply.headers["content-security-policy"])
    assert "style-src 'self' 'unsafe-inline'" in policies[0]
    assert policies[0].replace(" 'unsafe-inline'", "") == policies[1]


def test_markdown_of_researchers_runs_no_script(new_annotator: NewAnnotator) -> None:
    hostile = INSTRUCTIONS.replace("A photo", "<img src=x onerror=alert(1)><script>alert(2)</script>A photo")
    annotator = new_annotator(protocol=protocol(hostile, TRIALS))
    annotator.page.on("dialog", lambda dialog: annotator.complaints.append(dialog.message))
    annotator.open()
    annotator.on_page("What you will see")
    assert annotator.page.locator(".prose script, .prose img").count() == 0


def test_a_questionnaire_has_the_button_that_its_page_names(new_annotator: NewAnnotator) -> None:
    named = QUESTIONNAIRE.replace("markdown =", "button = 'On to \"the\" <b>pictures'\nmarkdown =")
    annotator = new_annotator(protocol=protocol(named, TRIALS))
    annotator.open()
    annotator.on_page("About you")
    expect(annotator.page.get_by_role("button", name='On to "the" <b>pictures', exact=True)).to_be_visible()
