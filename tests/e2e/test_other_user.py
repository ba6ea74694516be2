"""A tab that is left open while another person logs in: it keeps what is its own, and touches nothing else."""

import pytest
from playwright.sync_api import Dialog, expect

from tests.e2e.annotator import UNSENT, Annotator
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e


def test_an_answer_under_another_log_in_is_kept_and_arrives_later(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.all_loaded()
    annotator.be_logged_in(site.study())
    annotator.answer("left")
    alert = annotator.page.get_by_role("alert")
    expect(alert).to_contain_text(
        f"Another person is logged in here. Log in as {annotator.slug} and reload this page. "
        "1 answer is kept in this browser until then."
    )
    expect(annotator.page.locator("#stage")).to_be_hidden()
    expect(annotator.page.locator("#waiting")).to_be_hidden()
    assert annotator.page.evaluate(UNSENT) == 1
    assert site.answers(annotator.slug) == []
    annotator.be_logged_in()
    annotator.page.reload()
    annotator.ready()
    assert site.wait_for_answers(annotator.slug, 1) == [(1, 1, "left")]
    annotator.expect_progress("1 of 6")


def test_nothing_answers_once_the_tab_has_stopped(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.all_loaded()
    annotator.be_logged_in(site.study())
    annotator.answer("left")
    expect(annotator.page.get_by_role("alert")).to_be_visible()
    for key in ("1", "2", "u", "3"):
        annotator.page.keyboard.press(key)
    assert annotator.page.evaluate(UNSENT) == 1


def test_asking_for_trials_under_another_log_in_stops_the_tab_too(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.all_loaded()
    annotator.be_logged_in(site.study())
    annotator.context.route("**/responses/", lambda route: route.abort("connectionfailed"))
    with annotator.page.expect_response("**/next/") as reply:
        annotator.answer("left")
        # As long as an answer may be on its way, more trials may come with its reply.
        expect(annotator.page.get_by_text("No connection just now")).to_be_visible()
        annotator.answer("left")
    assert (reply.value.status, reply.value.json()["code"]) == (403, "other_user")
    expect(annotator.page.get_by_role("alert")).to_contain_text("Another person is logged in here")
    assert annotator.page.evaluate(UNSENT) == 2


def test_the_notice_leads_to_where_the_log_in_can_be_changed(annotator: Annotator, site: Site) -> None:
    annotator.start()
    other = site.study()
    annotator.be_logged_in(other)
    annotator.answer("left")
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    annotator.page.on("dialog", accept)
    annotator.page.get_by_role("link", name="Change the log-in").click()
    expect(annotator.page.get_by_text(other)).to_be_visible()
    expect(annotator.page.get_by_role("button", name="Log out")).to_be_visible()
    assert asked == []
