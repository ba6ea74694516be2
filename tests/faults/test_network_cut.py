"""A minute without a network in the middle of a study, in Chromium: requests get no reply at all."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from harmony_app.tests.test_exactly_once import StudySite
from tests.e2e.annotator import Annotator
from tests.e2e.site import CHROMIUM_FLAGS, chromium_path
from tests.faults.browsers import (
    TRIALS,
    WiredSite,
    answer_what_is_left,
    check_once,
    stored,
    wait_for_rest,
    wait_for_stored,
)
from tests.faults.wire import Wire, wire_to

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.postgres]

MINUTE = 60
# More than the longest wait between two tries, and a try that is still waiting for its reply.
CATCHES_UP_MS = 120_000
PATIENCE_MS = 60_000


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def wire(faulty_site: StudySite) -> Iterator[Wire]:
    with wire_to(faulty_site.site.port) as wire:
        yield wire


def test_a_minute_without_a_network_costs_no_answer(faulty_site: StudySite, browser: Browser, wire: Wire) -> None:
    server = faulty_site.site
    site = WiredSite(server, address=wire.url)
    slug = site.study()
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    annotator = Annotator(site, slug, context, context.new_page())
    annotator.be_logged_in()
    annotator.start()
    annotator.answer("left")
    assert wait_for_stored(server, slug, 1) == [(1, 1, "left")]
    wait_for_rest(annotator)
    wire.cut()
    cut_at = time.monotonic()
    # The next trials are there already, pictures and all.
    annotator.answer("right", "left")
    expect(annotator.page.get_by_text("No connection just now")).to_be_visible(timeout=PATIENCE_MS)
    expect(annotator.page.get_by_text("2 answers are kept in this browser")).to_be_visible(timeout=PATIENCE_MS)
    annotator.page.wait_for_timeout(1000 * max(0, MINUTE - (time.monotonic() - cut_at)))
    assert stored(server, slug) == [(1, 1, "left")]
    wire.mend()
    expect(annotator.page.get_by_text("All your answers have arrived")).to_be_visible(timeout=CATCHES_UP_MS)
    assert answer_what_is_left(annotator) == TRIALS - 3
    assert check_once(server, slug) == ["left", "right", "left"] + ["neither"] * (TRIALS - 3)
