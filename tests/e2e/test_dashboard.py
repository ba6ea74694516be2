"""The researchers' pages in a browser: axe, the keyboard, phones, numbers that keep fresh, and a preview."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.dashboard_data import researcher_of
from tests.e2e.site import PATIENCE_MS, Site
from tests.e2e.site_data import session_key
from tests.e2e.test_accessibility import SCHEMES, violations

pytestmark = pytest.mark.e2e

PAGES = (
    "",
    "annotators/",
    "annotators/?state=withdrawn",
    "annotators/A01/",
    "annotators/A02/",
    "trials/",
    "trials/?search=nothing-like-this",
    "trials/{trial}/",
    "protocol/",
    "protocol/1/",
    "links/",
    "identities/erase/",
    "results/",
    "log/",
    "settings/",
    "state/paused/",
    "archive/",
)


@dataclass(frozen=True)
class Researcher:
    """A browser page of the researcher who owns a study with some answers."""

    site: Site
    slug: str
    page: Page

    def go(self, path: str = "") -> None:
        trial = self.one(
            "SELECT max(trial_id) FROM studies_assignment JOIN studies_trial ON studies_trial.id = trial_id"
        )
        self.page.goto(f"{self.site.url}/dashboard/{self.slug}/{path.format(trial=trial)}")

    def one(self, select: str) -> object:
        """Return the first value of a query, of rows of this study."""
        query = f"{select} WHERE study_id = (SELECT id FROM studies_study WHERE slug = ?)"
        first: object = self.site.rows(query, self.slug)[0][0]
        return first


@pytest.fixture(scope="module")
def slug(site: Site) -> str:
    """A study with a researcher, for the tests that only read."""
    slug = site.study()
    site.server.python("-m", "tests.e2e.dashboard_data", slug)
    return slug


@pytest.fixture
def new_researcher(site: Site, browser: Browser) -> Iterator[Callable[..., Researcher]]:
    """Open browsers of researchers; at the end, errors in their consoles fail the test."""
    complaints: list[str] = []
    contexts = []

    def make(slug: str, **options: object) -> Researcher:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([{"name": "sessionid", "value": session_key(researcher_of(slug)), "url": site.url}])
        page = context.new_page()
        page.on("console", lambda message: complaints.extend([message.text] * (message.type == "error")))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return Researcher(site, slug, page)

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


NewResearcher = Callable[..., Researcher]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_on_any_page(
    new_researcher: NewResearcher, slug: str, scheme: Literal["light", "dark"]
) -> None:
    researcher = new_researcher(slug, color_scheme=scheme, bypass_csp=True)
    researcher.page.goto(f"{researcher.site.url}/dashboard/")
    found = {"list": violations(researcher.page)}
    for path in PAGES:
        researcher.go(path)
        assert researcher.page.locator("h1").count() == 1, path
        found[path] = violations(researcher.page)
    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize("width", [320, 360])
def test_no_page_scrolls_sideways_on_a_phone(new_researcher: NewResearcher, slug: str, width: int) -> None:
    researcher = new_researcher(slug, viewport={"width": width, "height": 640}, has_touch=True, is_mobile=True)
    wide = []
    for path in PAGES:
        researcher.go(path)
        if researcher.page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(path)
    assert wide == []


def test_the_pages_work_without_javascript(new_researcher: NewResearcher, slug: str) -> None:
    researcher = new_researcher(slug, java_script_enabled=False)
    researcher.go()
    expect(researcher.page.get_by_text("4 of 12 (33 %), 2 under way")).to_be_visible()
    expect(researcher.page.get_by_text("Keep fresh")).to_be_hidden()
    researcher.page.get_by_role("link", name="A01").first.click()
    expect(researcher.page.get_by_role("heading", name="Annotator A01")).to_be_visible()


def test_numbers_keep_fresh_and_leave_the_focus_where_it_is(site: Site, new_researcher: NewResearcher) -> None:
    slug = site.study()
    site.server.python("-m", "tests.e2e.dashboard_data", slug)
    researcher = new_researcher(slug)
    researcher.page.clock.install()
    researcher.go()
    page = researcher.page
    expect(page.get_by_text("1 active")).to_be_visible()
    link = page.locator("#numbers").get_by_role("link", name="A01").first
    link.focus()
    site.change(
        "UPDATE studies_participation SET state = 'completed' WHERE code = 'A01'"
        " AND study_id = (SELECT id FROM studies_study WHERE slug = ?)",
        slug,
    )
    page.clock.run_for(15_000)
    expect(page.get_by_text("0 active, 1 completed")).to_be_visible()
    assert page.evaluate("document.activeElement.textContent") == "A01"
    assert page.evaluate("document.getElementById('numbers').contains(document.activeElement)")


def test_numbers_stay_when_keeping_fresh_is_off_also_after_a_reload(new_researcher: NewResearcher, slug: str) -> None:
    researcher = new_researcher(slug)
    page = researcher.page
    researcher.go()
    page.get_by_label("Keep fresh").uncheck()
    page.clock.install()
    page.reload()
    expect(page.get_by_label("Keep fresh")).not_to_be_checked()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.resource_type))
    page.clock.run_for(60_000)
    assert "fetch" not in asked
    with page.expect_response("**/numbers/"):
        page.get_by_label("Keep fresh").check()


def test_who_is_logged_out_is_told_and_not_shown_a_log_in_form_in_the_page(
    site: Site, new_researcher: NewResearcher
) -> None:
    slug = site.study()
    site.server.python("-m", "tests.e2e.dashboard_data", slug)
    researcher = new_researcher(slug)
    page = researcher.page
    page.clock.install()
    researcher.go()
    page.context.clear_cookies()
    page.clock.run_for(15_000)
    expect(page.get_by_text("You are no longer logged in. Reload the page.")).to_be_visible()
    expect(page.get_by_role("heading", name="By condition")).to_be_visible()
    expect(page.get_by_label("Keep fresh")).not_to_be_checked()


def test_a_study_is_paused_and_resumed_with_the_keyboard_alone(site: Site, new_researcher: NewResearcher) -> None:
    slug = site.study()
    site.server.python("-m", "tests.e2e.dashboard_data", slug)
    researcher = new_researcher(slug)
    page = researcher.page
    for question, button, state in (
        ("Pause the study?", "Pause the study", "paused"),
        ("Resume the study?", "Resume the study", "open"),
    ):
        researcher.go()
        page.get_by_role("link", name=button).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=question)).to_be_visible()
        page.get_by_role("button", name=button).focus()
        page.keyboard.press("Enter")
        expect(page.locator(".flash")).to_be_visible()
        expect(page.locator(".study-facts .chip").first).to_have_text(state)


def test_a_preview_shows_the_runner_and_counts_nothing(site: Site, new_researcher: NewResearcher) -> None:
    slug = site.study()
    site.server.python("-m", "tests.e2e.dashboard_data", slug)
    researcher = new_researcher(slug)
    researcher.go()
    researcher.page.get_by_role("button", name="Preview as annotator").click()
    researcher.page.wait_for_url(f"**/studies/{slug}/")
    researcher.go()
    expect(researcher.page.get_by_text("4 of 12 (33 %), 2 under way")).to_be_visible()
    expect(researcher.page.get_by_text("1 active")).to_be_visible()
