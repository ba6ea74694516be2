"""Reloads and lost connections: same place, same sides, nothing lost."""

import json

import pytest
from playwright.sync_api import Dialog, Route, expect

from tests.e2e.annotator import UNSENT, Annotator
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

REFUSED = "() => Object.keys(localStorage).filter(key => key.startsWith('harmony:refused:')).length"


def test_a_reload_keeps_the_place_and_the_sides(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.answer("left", "right")
    annotator.ready()
    before = annotator.prediction(), annotator.pixels("left"), annotator.pixels("right")
    assert before[1] != before[2]
    site.wait_for_answers(annotator.slug, 2)
    annotator.page.reload()
    annotator.ready()
    assert (annotator.prediction(), annotator.pixels("left"), annotator.pixels("right")) == before
    annotator.expect_progress("2 of 6")


def test_trials_go_on_without_waiting_for_the_acknowledgement(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.cut_connection()
    annotator.answer("left", "right", "left")
    annotator.ready()
    annotator.expect_progress("3 of 6")
    expect(annotator.page.get_by_text("No connection just now")).to_be_visible()
    expect(annotator.page.get_by_text("3 answers are kept in this browser")).to_be_visible()
    assert site.answers(annotator.slug) == []
    annotator.restore_connection()
    annotator.page.evaluate("dispatchEvent(new Event('online'))")
    assert site.wait_for_answers(annotator.slug, 3) == [(1, 1, "left"), (2, 1, "right"), (3, 1, "left")]
    expect(annotator.page.get_by_text("All your answers have arrived")).to_be_visible()
    assert annotator.page.evaluate(UNSENT) == 0


def test_unsent_answers_survive_a_reload_and_arrive_once(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.cut_connection()
    annotator.answer("left", "right")
    annotator.ready()
    third = annotator.prediction()
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    annotator.page.on("dialog", accept)
    annotator.page.reload()
    assert asked == ["beforeunload"]
    assert annotator.page.evaluate(UNSENT) == 2
    annotator.restore_connection()
    annotator.page.evaluate("dispatchEvent(new Event('online'))")
    annotator.ready()
    assert annotator.prediction() == third
    annotator.expect_progress("2 of 6")
    assert site.wait_for_answers(annotator.slug, 2) == [(1, 1, "left"), (2, 1, "right")]
    annotator.answer("left", "left", "left", "left")
    annotator.finish()
    assert len(site.answers(annotator.slug)) == 6


def test_a_trial_with_an_answer_on_its_way_is_not_shown_again_after_a_reload(annotator: Annotator) -> None:
    annotator.start()
    first = annotator.prediction()
    annotator.context.route("**/responses/", lambda route: route.abort("connectionfailed"))
    annotator.answer("left")
    annotator.ready()
    second = annotator.prediction()
    annotator.page.on("dialog", lambda dialog: dialog.accept())
    annotator.page.reload()
    annotator.ready()
    assert annotator.prediction() == second != first
    annotator.expect_progress("1 of 6")


def test_the_end_waits_for_the_last_answer_to_arrive(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.answer("left", "left", "left", "left", "left")
    annotator.ready()
    annotator.cut_connection()
    annotator.answer("right")
    expect(annotator.page.get_by_text("1 answer is kept in this browser")).to_be_visible()
    expect(annotator.page.locator("#waiting")).to_be_visible()
    annotator.restore_connection()
    annotator.page.evaluate("dispatchEvent(new Event('online'))")
    annotator.finish()
    assert site.answers(annotator.slug)[-1] == (6, 1, "right")


def test_a_reply_that_is_lost_leaves_one_response(annotator: Annotator, site: Site) -> None:
    annotator.start()
    lost: list[int] = []

    def lose_the_reply(route: Route) -> None:
        lost.append(route.fetch().status)
        route.abort("connectionreset")

    annotator.context.route("**/responses/", lose_the_reply, times=1)
    annotator.answer("left", "right")
    assert site.wait_for_answers(annotator.slug, 2) == [(1, 1, "left"), (2, 1, "right")]
    assert lost == [201]
    annotator.sent()


def test_after_the_session_has_ended_answers_wait_for_a_new_log_in(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.context.clear_cookies()
    annotator.answer("left")
    link = annotator.page.get_by_role("link", name="Log in again")
    expect(link).to_be_visible()
    expect(annotator.page.get_by_text("1 answer is kept in this browser")).to_be_visible()
    assert site.answers(annotator.slug) == []
    link.click()
    annotator.page.wait_for_url("**/accounts/login/**")
    annotator.log_in()
    annotator.start()
    assert site.wait_for_answers(annotator.slug, 1) == [(1, 1, "left")]


def refuse(route: Route) -> None:
    route.fulfill(status=400, content_type="application/json", body='{"rt_ms": ["too long"]}')


def test_an_answer_that_the_server_refuses_is_told_and_kept(annotator: Annotator) -> None:
    annotator.start()
    annotator.context.route("**/responses/", refuse, times=1)
    annotator.answer("left")
    expect(annotator.page.locator("#refused")).to_contain_text(
        "Your answer to trial 1 was not accepted (rt_ms: too long). It is kept in this browser"
    )
    assert annotator.page.evaluate(REFUSED) == 1
    assert annotator.page.evaluate(UNSENT) == 0


def test_a_refused_answer_is_offered_again_at_the_next_start(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.context.route("**/responses/", refuse, times=1)
    annotator.answer("left")
    expect(annotator.page.locator("#refused")).to_be_visible()
    annotator.answer("right")
    assert site.wait_for_answers(annotator.slug, 1) == [(2, 1, "right")]
    annotator.start()
    assert site.wait_for_answers(annotator.slug, 2) == [(2, 1, "right"), (1, 1, "left")]
    expect(annotator.page.locator("#refused")).to_be_hidden()
    annotator.expect_progress("2 of 6")
    assert annotator.page.evaluate(REFUSED) == 0


def test_an_answer_that_is_refused_again_is_listed_until_its_trial_has_another(
    annotator: Annotator, site: Site
) -> None:
    annotator.start()
    offers: list[str] = []

    def count_and_refuse(route: Route) -> None:
        offers.append(json.loads(route.request.post_data or "")["choice"])
        refuse(route)

    annotator.context.route("**/responses/", count_and_refuse, times=2)
    annotator.answer("left")
    expect(annotator.page.locator("#refused")).to_be_visible()
    annotator.start()
    expect(annotator.page.locator("#refused")).to_contain_text("Your answer to trial 1 was not accepted")
    annotator.start()
    expect(annotator.page.locator("#refused")).to_contain_text("Your answer to trial 1 was not accepted")
    assert offers == ["left", "left"]
    annotator.answer("neither")
    assert site.wait_for_answers(annotator.slug, 1) == [(1, 1, "neither")]
    expect(annotator.page.locator("#refused")).to_be_hidden()
    assert annotator.page.evaluate(REFUSED) == 0


def test_a_404_that_is_not_the_apis_own_leaves_the_answer_unsent(annotator: Annotator, site: Site) -> None:
    annotator.start()
    missing = {"status": 404, "content_type": "text/html", "body": "no server behind this proxy"}
    annotator.context.route("**/responses/", lambda route: route.fulfill(**missing))
    annotator.answer("left")
    expect(annotator.page.get_by_text("1 answer is kept in this browser")).to_be_visible()
    annotator.context.unroute("**/responses/")
    assert site.wait_for_answers(annotator.slug, 1) == [(1, 1, "left")]


def test_a_browser_that_keeps_nothing_is_told_so_before_the_first_trial(annotator: Annotator) -> None:
    annotator.page.add_init_script("Storage.prototype.setItem = () => { throw new Error('no room'); };")
    annotator.page.goto(f"{annotator.site.url}/studies/{annotator.slug}/")
    expect(annotator.page.get_by_role("alert")).to_contain_text("allow this site to store data")
    expect(annotator.page.locator(".trial")).to_have_count(0)


def test_a_server_that_is_killed_and_comes_back_gets_every_answer_once(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.all_loaded()
    annotator.answer("left")
    assert site.wait_for_answers(annotator.slug, 1) == [(1, 1, "left")]
    site.server.kill()
    annotator.answer("right", "neither")
    expect(annotator.page.get_by_text("No connection just now")).to_be_visible()
    site.server.start()
    annotator.answer("left", "left", "left")
    annotator.finish()
    given = ["left", "right", "neither", "left", "left", "left"]
    assert site.answers(annotator.slug) == [(place, 1, choice) for place, choice in enumerate(given, start=1)]
