"""The report's page in a browser: it has the report computed, shows how far it is, and then the report."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.e2e.dashboard_data import researcher_of
from tests.e2e.site import Site
from tests.e2e.site_data import session_key
from tests.e2e.test_accessibility import SCHEMES, violations

pytestmark = pytest.mark.e2e

COMPUTED_WITHIN_MS = 120_000


@dataclass(frozen=True)
class ReportPage:
    """A researcher's browser at the report of a study of theirs, which nobody has computed."""

    site: Site
    slug: str
    context: BrowserContext
    page: Page

    @property
    def address(self) -> str:
        return f"{self.site.url}/studies/{self.slug}/report/"

    def open(self) -> Page:
        self.page.goto(self.address)
        return self.page

    def is_there(self) -> None:
        """Wait until the page shows the report."""
        expect(self.page.get_by_role("heading", name="Limitations")).to_be_visible(timeout=COMPUTED_WITHIN_MS)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nobody begin to compute the report before the end of the block."""
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        self.page.route("**/compute/", hold)
        yield
        for route in held:
            route.continue_()
        self.page.unroute("**/compute/", hold)


@pytest.fixture
def open_report(site: Site, browser: Browser) -> Iterator[Callable[..., ReportPage]]:
    """Make a study with a few answers, and a browser in which its researcher is logged in."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> ReportPage:
        slug = site.study()
        site.server.python("-m", "tests.e2e.dashboard_data", slug)
        context = browser.new_context(**options)
        context.add_cookies([{"name": "sessionid", "value": session_key(researcher_of(slug)), "url": site.url}])
        contexts.append(context)
        return ReportPage(site, slug, context, context.new_page())

    yield make
    for context in contexts:
        context.close()


def test_a_report_is_computed_and_shown_without_a_hand(open_report: Callable[..., ReportPage], tmp_path: Path) -> None:
    report = open_report()
    with report.held():
        page = report.open()
        expect(page.get_by_text("The report is being computed.")).to_be_visible()
        expect(page.get_by_role("progressbar")).to_be_visible()
    report.is_there()
    page.get_by_text("Files", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="report.zip").click()
    assert download.value.suggested_filename == f"{report.slug}-report.zip"
    download.value.save_as(tmp_path / "report.zip")
    assert (tmp_path / "report.zip").read_bytes()[:2] == b"PK"
    page.goto(f"{report.site.url}/dashboard/{report.slug}/log/")
    expect(page.get_by_text("report/report.zip")).to_have_count(1)


def test_who_reads_an_earlier_report_is_told_when_the_new_one_is_ready(
    open_report: Callable[..., ReportPage],
) -> None:
    report = open_report()
    page = report.open()
    report.is_there()
    report.site.change("UPDATE studies_study SET question = 'Which one now?' WHERE slug = ?", report.slug)
    page.reload()
    report.is_there()
    expect(page.get_by_text("What it depends on has changed since.")).to_be_visible()
    expect(page.get_by_text("The new report is ready.")).to_be_visible(timeout=COMPUTED_WITHIN_MS)
    assert page.get_by_text("Which one now?").count() == 0
    page.get_by_role("link", name="Show it").click()
    expect(page.get_by_text("Which one now?").first).to_be_visible()
    assert page.locator("#run").count() == 0


def test_without_javascript_a_button_computes_it_and_the_page_loads_itself_again(
    open_report: Callable[..., ReportPage],
) -> None:
    report = open_report(java_script_enabled=False)
    page = report.open()
    page.get_by_role("button", name="Compute the report").click()
    expect(page).to_have_url(report.address)
    report.is_there()


def test_what_went_wrong_is_said_and_can_be_tried_again(open_report: Callable[..., ReportPage]) -> None:
    report = open_report()
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.method)
        route.fulfill(status=409, json={"reason": "nobody has answered a trial yet"})

    report.page.route("**/compute/", refuse)
    page = report.open()
    expect(page.get_by_role("alert")).to_contain_text("Nobody has answered a trial yet.")
    expect(page.get_by_role("progressbar")).to_be_hidden()
    page.unroute("**/compute/")
    page.get_by_role("button", name="Try again").click()
    report.is_there()
    assert asked == ["POST"]


def test_a_lost_connection_is_waited_for(open_report: Callable[..., ReportPage]) -> None:
    report = open_report()
    # However soon it is computed, the page hears of it only when the connection is there again.
    running = {"state": "running", "fraction": 0.5, "stage": "Half of it"}
    report.page.route("**/report/runs/**", lambda route: route.fulfill(json=running))
    page = report.open()
    expect(page.get_by_text("Half of it")).to_be_visible()
    report.context.set_offline(True)
    page.unroute("**/report/runs/**")
    expect(page.get_by_text("No connection just now")).to_be_visible()
    report.context.set_offline(False)
    report.is_there()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_on_the_way_to_the_report(
    open_report: Callable[..., ReportPage], scheme: Literal["light", "dark"]
) -> None:
    report = open_report(color_scheme=scheme, bypass_csp=True, viewport={"width": 360, "height": 700})
    report.page.route("**/compute/", lambda route: route.fulfill(status=409, json={"reason": "it could not be done"}))
    page = report.open()
    expect(page.get_by_role("alert")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.unroute("**/compute/")
    with report.held():
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("progressbar")).to_be_visible()
        assert violations(page) == []
    report.is_there()
    page.get_by_text("Files", exact=True).click()
    files = page.locator(".files-list")
    expect(files).to_be_visible()
    box = files.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
