"""The pages of builds in a browser: axe, phones, a page that keeps fresh, its log, and writing a config."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, expect

from tests.e2e.build_data import CONFIG, LINES, STATES
from tests.e2e.site import PATIENCE_MS, Site
from tests.e2e.site_data import session_key
from tests.e2e.test_accessibility import SCHEMES, violations

pytestmark = pytest.mark.e2e

EVERY_MS = 2000
NUMBERS = itertools.count()


@dataclass(frozen=True)
class Builder:
    """A browser page of a researcher with a build in every state."""

    site: Site
    name: str
    page: Page

    def address(self, state: str) -> str:
        [(key,)] = self.site.rows("SELECT key FROM studies_build WHERE name = ?", f"{self.name}-{state}")
        return f"/builds/{UUID(key)}/"

    def go(self, path: str) -> None:
        self.page.goto(self.site.url + path)

    def paths(self) -> list[str]:
        ended, under_way = self.address("failed"), self.address("running")
        return ["/builds/", "/builds/new/?example=demo", f"{under_way}cancel/", f"{ended}remove/"] + [
            self.address(state) for state in STATES
        ]

    def change(self, change: str, state: str) -> None:
        self.site.change(f"UPDATE studies_build SET {change} WHERE name = ?", f"{self.name}-{state}")

    def write_line(self, text: str, state: str) -> None:
        self.site.change(
            "INSERT INTO studies_buildline (build_id, at, worker, level, text)"
            " SELECT id, '2026-01-01 00:00:00', '', 'info', ? FROM studies_build WHERE name = ?",
            text,
            f"{self.name}-{state}",
        )

    def advance(self, done: int) -> None:
        """Let the step that is running be so far."""
        self.site.change(
            "UPDATE studies_buildstep SET done = ? WHERE state = 'running'"
            " AND build_id = (SELECT id FROM studies_build WHERE name = ?)",
            done,
            f"{self.name}-running",
        )

    @property
    def distance_to_end(self) -> float:
        """How many pixels of the log lie below what is seen of it."""
        found: float = self.page.locator("#log").evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight")
        return found


NewBuilder = Callable[..., Builder]


def new_name(site: Site) -> str:
    name = f"builder-{next(NUMBERS)}"
    site.server.python("-m", "tests.e2e.build_data", name)
    return name


@pytest.fixture(scope="module")
def name(site: Site) -> str:
    """A researcher for the tests that only read."""
    return new_name(site)


def is_fault(message: ConsoleMessage) -> bool:
    # The browser notes that a page which says what is wrong with a config came with status 400.
    return message.type == "error" and "the server responded with a status of 400" not in message.text


@pytest.fixture
def new_builder(site: Site, browser: Browser) -> Iterator[NewBuilder]:
    """Open browsers of researchers; at the end, errors in their consoles fail the test."""
    complaints: list[str] = []
    contexts = []

    def make(name: str, **options: object) -> Builder:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([{"name": "sessionid", "value": session_key(name), "url": site.url}])
        page = context.new_page()
        page.on("console", lambda message: complaints.extend([message.text] * is_fault(message)))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return Builder(site, name, page)

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_in_any_state(new_builder: NewBuilder, name: str, scheme: Literal["light", "dark"]) -> None:
    builder = new_builder(name, color_scheme=scheme, bypass_csp=True)
    found = {}
    for path in builder.paths():
        builder.go(path)
        assert builder.page.locator("h1").count() == 1, path
        found[path] = violations(builder.page)
    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize("width", [320, 360])
def test_no_page_scrolls_sideways_on_a_phone(new_builder: NewBuilder, name: str, width: int) -> None:
    builder = new_builder(name, viewport={"width": width, "height": 640}, has_touch=True, is_mobile=True)
    wide = []
    for path in builder.paths():
        builder.go(path)
        if builder.page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(path)
    assert wide == []


def test_the_pages_work_without_javascript(new_builder: NewBuilder, name: str) -> None:
    builder = new_builder(name, java_script_enabled=False)
    builder.go("/dashboard/")
    page = builder.page
    page.get_by_role("link", name="Builds").click()
    page.get_by_role("link", name="Maps that are running").click()
    expect(page.get_by_text("gpu@lab/7")).to_be_visible()
    expect(page.get_by_text(f"line {LINES - 1}", exact=True)).to_be_attached()
    builder.go("/builds/new/")
    page.get_by_label("Config", exact=True).fill("pairs = 0")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text("study.toml: name: missing: add it")
    expect(page.get_by_label("Config", exact=True)).to_have_value("pairs = 0")


def test_a_build_under_way_keeps_fresh_and_tells_only_its_stages(site: Site, new_builder: NewBuilder) -> None:
    builder = new_builder(new_name(site))
    page = builder.page
    page.clock.install()
    builder.go(builder.address("running"))
    said = page.locator("#build-said")
    expect(page.get_by_text("40 of 100", exact=True)).to_be_visible()
    builder.advance(80)
    page.clock.run_for(EVERY_MS)
    expect(page.get_by_text("80 of 100", exact=True)).to_be_visible()
    expect(said).to_be_empty()
    builder.change("state = 'importing'", "running")
    page.clock.run_for(EVERY_MS)
    expect(said).to_have_text("Loading the study")


def test_a_page_asks_no_more_once_its_build_has_ended_and_offers_what_can_be_done(
    site: Site, new_builder: NewBuilder
) -> None:
    builder = new_builder(new_name(site))
    page = builder.page
    page.clock.install()
    builder.go(builder.address("running"))
    builder.change("state = 'failed', error = 'no images: <b>add some</b>'", "running")
    page.clock.run_for(EVERY_MS)
    expect(page.get_by_text("no images: <b>add some</b>")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(10 * EVERY_MS)
    assert asked == []
    page.get_by_text("Change the config first").click()
    expect(page.get_by_role("textbox", name="Config")).to_have_value(CONFIG.format(name=f"{builder.name}-running"))


def test_the_log_follows_its_end_unless_the_reader_has_scrolled_up(site: Site, new_builder: NewBuilder) -> None:
    builder = new_builder(new_name(site))
    page = builder.page
    page.clock.install()
    builder.go(builder.address("running"))
    assert builder.distance_to_end < 2
    builder.write_line("the first to come", "running")
    page.clock.run_for(EVERY_MS)
    expect(page.get_by_text("the first to come")).to_be_attached()
    assert builder.distance_to_end < 2
    page.evaluate("document.getElementById('log').scrollTop = 100")
    builder.write_line("the second to come", "running")
    page.clock.run_for(EVERY_MS)
    expect(page.get_by_text("the second to come")).to_be_attached()
    assert page.evaluate("document.getElementById('log').scrollTop") == 100
    assert page.get_by_text("the first to come").count() == 1


def test_the_focus_stays_where_it_is(site: Site, new_builder: NewBuilder) -> None:
    builder = new_builder(new_name(site))
    page = builder.page
    page.clock.install()
    builder.go(builder.address("running"))
    page.get_by_role("link", name="Cancel the build").focus()
    builder.advance(80)
    page.clock.run_for(EVERY_MS)
    expect(page.get_by_text("80 of 100", exact=True)).to_be_visible()
    assert page.evaluate("document.activeElement.textContent") == "Cancel the build"


def test_who_is_logged_out_is_told(site: Site, new_builder: NewBuilder) -> None:
    builder = new_builder(new_name(site))
    page = builder.page
    page.clock.install()
    builder.go(builder.address("running"))
    page.context.clear_cookies()
    page.clock.run_for(EVERY_MS)
    expect(page.get_by_text("You are no longer logged in. Reload the page.")).to_be_visible()


def test_a_build_is_cancelled_with_the_keyboard_alone(site: Site, new_builder: NewBuilder) -> None:
    builder = new_builder(new_name(site))
    page = builder.page
    builder.go(builder.address("queued"))
    page.get_by_role("link", name="Cancel the build").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Cancel the build?")).to_be_visible()
    page.get_by_role("button", name="Cancel the build").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".build-facts .chip")).to_have_text("cancelled")


def test_a_file_fills_the_text_and_what_is_typed_afterwards_counts(new_builder: NewBuilder, name: str) -> None:
    builder = new_builder(name)
    page = builder.page
    builder.go("/builds/new/")
    text = page.get_by_label("Config", exact=True)
    content = CONFIG.format(name="from-a-file").encode()
    page.set_input_files("#id_file", {"name": "lab.toml", "mimeType": "application/toml", "buffer": content})
    expect(text).to_have_value(content.decode())
    text.fill(content.decode().replace("pairs = 6", "pairs = 0"))
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text("lab.toml: pairs:")
    text.fill(content.decode())
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("heading", name="The config is sound")).to_be_visible()


def test_a_file_that_is_no_text_changes_nothing(new_builder: NewBuilder, name: str) -> None:
    builder = new_builder(name)
    page = builder.page
    builder.go("/builds/new/")
    page.get_by_label("Config", exact=True).fill("# typed")
    page.set_input_files("#id_file", {"name": "a.toml", "mimeType": "application/toml", "buffer": b"\xff\xfe\x00"})
    expect(page.get_by_text("The file is not UTF-8 text; save it as UTF-8.")).to_be_visible()
    expect(page.get_by_label("Config", exact=True)).to_have_value("# typed")


def test_the_line_of_a_syntax_error_is_gone_to(new_builder: NewBuilder, name: str) -> None:
    builder = new_builder(name)
    page = builder.page
    builder.go("/builds/new/")
    page.get_by_label("Config", exact=True).fill('name = "a"\ntitle = \nseed = 1\n')
    page.get_by_role("button", name="Check").click()
    page.get_by_role("button", name="Go to line 2").click()
    selected = page.locator(":focus").evaluate("text => text.value.slice(text.selectionStart, text.selectionEnd)")
    assert selected == "title = "


def test_what_was_typed_is_not_left_without_a_question(new_builder: NewBuilder, name: str) -> None:
    builder = new_builder(name)
    page = builder.page
    builder.go("/builds/new/")
    page.get_by_label("Config", exact=True).press_sequentially("# mine")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    with page.expect_event("dialog"):
        page.get_by_role("link", name="demo").click(no_wait_after=True)
    assert asked == ["beforeunload"]
    expect(page.get_by_label("Config", exact=True)).to_have_value("# mine")
