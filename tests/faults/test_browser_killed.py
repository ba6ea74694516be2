"""Chromium that is killed in the middle of an answer and started again: the answer is there once."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from harmony_app.tests.test_exactly_once import StudySite
from tests.e2e.annotator import Annotator
from tests.e2e.site import Site
from tests.faults.browsers import (
    TRIALS,
    answer_what_is_left,
    check_once,
    kept_answers,
    stored,
    wait_for_rest,
    wait_for_stored,
)
from tests.faults.chromium import KillableChromium, killable_chromium
from tests.faults.faulty_site import order, release

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.postgres]


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[KillableChromium]:
    with sync_playwright() as playwright, killable_chromium(playwright, tmp_path / "profile") as chromium:
        (tmp_path / "profile").mkdir()
        yield chromium


@pytest.fixture(scope="module")
def site(faulty_site: StudySite) -> Site:
    return Site(faulty_site.site)


def at_browser(site: Site, slug: str, chromium: KillableChromium) -> Annotator:
    """Start the browser and go to the trials; the session's cookie may not have come to the disk before a kill."""
    context = chromium.start()
    annotator = Annotator(site, slug, context, context.pages[0])
    annotator.be_logged_in()
    annotator.open()
    return annotator


def test_an_answer_that_was_stored_before_the_kill_is_there_once(site: Site, chromium: KillableChromium) -> None:
    slug = site.study()
    annotator = at_browser(site, slug, chromium)
    annotator.ready()
    taken = order(site.server, "/responses/", "committed", "hold")
    annotator.page.keyboard.press("1")
    assert wait_for_stored(site.server, slug, 1) == [(1, 1, "left")]
    # The reply is still held back.
    chromium.kill()
    assert not taken.exists()
    release(taken)
    assert answer_what_is_left(at_browser(site, slug, chromium)) == TRIALS - 1
    assert check_once(site.server, slug) == ["left"] + ["neither"] * (TRIALS - 1)


def test_an_answer_that_the_server_is_still_busy_with_is_there_once(site: Site, chromium: KillableChromium) -> None:
    slug = site.study()
    annotator = at_browser(site, slug, chromium)
    annotator.ready()
    taken = order(site.server, "/responses/", "received", "hold")
    annotator.page.keyboard.press("1")
    deadline = time.monotonic() + 60
    while taken.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    chromium.kill()
    assert stored(site.server, slug) == []
    release(taken)
    # The answer comes in while the browser starts, or its trial is shown again and has one of the two answers.
    answer_what_is_left(at_browser(site, slug, chromium))
    assert check_once(site.server, slug)[1:] == ["neither"] * (TRIALS - 1)


def test_answers_that_never_left_the_browser_are_kept_and_sent_after_the_kill(
    site: Site, chromium: KillableChromium
) -> None:
    slug = site.study()
    annotator = at_browser(site, slug, chromium)
    annotator.ready()
    wait_for_rest(annotator)
    site.server.kill()
    annotator.answer("left", "right")
    kept = kept_answers(annotator)
    assert len(kept) == 2
    chromium.wait_for_kept(kept)
    chromium.kill()
    site.server.start()
    assert stored(site.server, slug) == []
    assert answer_what_is_left(at_browser(site, slug, chromium)) == TRIALS - 2
    assert check_once(site.server, slug) == ["left", "right"] + ["neither"] * (TRIALS - 2)


def test_an_answer_that_was_nowhere_but_in_a_killed_browser_is_asked_for_again_or_sent(
    site: Site, chromium: KillableChromium
) -> None:
    slug = site.study()
    annotator = at_browser(site, slug, chromium)
    annotator.ready()
    wait_for_rest(annotator)
    site.server.kill()
    annotator.answer("left")
    chromium.kill()
    site.server.start()
    shown = answer_what_is_left(at_browser(site, slug, chromium))
    answers = check_once(site.server, slug)
    # What the browser had not written down yet is no answer: its trial is shown again, and never left out.
    assert (shown, answers[0]) in [(TRIALS, "neither"), (TRIALS - 1, "left")]
    print(f"{slug}: {shown} trials shown after the kill")
