"""An annotator at a browser: what the tests do and see on the pages."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Route, expect

from tests.e2e.site import Site
from tests.e2e.site_data import PASSWORD, session_key

Choice = Literal["left", "right", "neither", "equal", "both_bad"]
NAMES: dict[Choice, str] = {
    "left": "Left map",
    "right": "Right map",
    "neither": "Neither",
    "equal": "Equally good",
    "both_bad": "Both bad",
}

# The trial is on the screen, and the moments have passed in which an input would be meant for the one before.
READY = """() => {
    const trial = document.querySelector(".trial:not([data-answer])");
    return trial?.dataset.painted && performance.now() > Number(trial.dataset.painted) + 210;
}"""
UNSENT = "() => Object.keys(localStorage).filter(key => key.startsWith('harmony:unsent:')).length"
# How many trials the server gives out at the start, each with three pictures.
GIVEN_OUT = 6
LOADED = """count => performance.getEntriesByType("resource").filter(
    entry => entry.name.includes("/pictures/") && entry.responseEnd > 0
).length >= count"""
NOTE_FRAMES = """globalThis.noted = [];
const note = (now) => {
    globalThis.noted.push(performance.timeOrigin + now);
    requestAnimationFrame(note);
};
requestAnimationFrame(note);"""
PIXELS = """picture => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
    canvas.getContext("2d").drawImage(picture, 0, 0);
    return canvas.toDataURL();
}"""


@dataclass
class Annotator:
    """A logged-in annotator of the study `slug`, in a browser context of their own."""

    site: Site
    slug: str
    context: BrowserContext
    page: Page
    # What the browser complains about: exceptions, CSP violations, warnings of jsPsych.
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> Page:
        """Collect what the browser complains about on a page."""
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._note)
        return page

    def _note(self, message: ConsoleMessage) -> None:
        # Failures to load are expected where a test takes the connection away.
        is_expected = message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not is_expected:
            self.complaints.append(message.text)

    def log_in(self) -> None:
        """Log in with name and password."""
        self.page.goto(f"{self.site.url}/accounts/login/")
        self.page.get_by_label("Username").fill(self.slug)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_role("heading", name="My studies")).to_be_visible()

    def be_logged_in(self, slug: str | None = None) -> None:
        """Go on with a session that is there already: the annotator's own, or that of the annotator `slug`."""
        key = session_key(slug or self.slug)
        self.context.add_cookies([{"name": "sessionid", "value": key, "url": self.site.url}])

    def start(self, page: Page | None = None) -> None:
        """Open the runner and wait for a trial."""
        self.open(page)
        self.ready(page)

    def open(self, page: Page | None = None) -> None:
        """Open the runner, whatever comes first in it."""
        (page or self.page).goto(f"{self.site.url}/studies/{self.slug}/")

    def on_page(self, title: str) -> None:
        """Wait until a page with this title is on the screen, and has the focus for screen readers."""
        heading = self.page.get_by_role("heading", name=title, exact=True)
        expect(heading).to_be_visible()
        expect(heading).to_be_focused()

    def press(self, name: str) -> None:
        """Press a button of this name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def ready(self, page: Page | None = None) -> None:
        """Wait until the trial on the screen takes an answer."""
        (page or self.page).wait_for_function(READY, polling=20)

    def option(self, choice: Choice, page: Page | None = None) -> Locator:
        return (page or self.page).get_by_role("button", name=NAMES[choice], exact=True)

    def answer(self, *choices: Choice, page: Page | None = None) -> None:
        """Answer trials with the mouse, one after the other."""
        for choice in choices:
            self.ready(page)
            self.option(choice, page).click()

    def progress(self, page: Page | None = None) -> str:
        return (page or self.page).locator("#progress-text").inner_text()

    def expect_progress(self, text: str) -> None:
        expect(self.page.locator("#progress-text")).to_have_text(text)

    def prediction(self, page: Page | None = None) -> str:
        """The network's answer on the screen: each trial of a test study has another one."""
        return (page or self.page).locator(".trial:not([data-answer]) .prediction b").inner_text()

    def expect_prediction(self, text: str, page: Page | None = None) -> None:
        """Wait until the trial with this answer of the network is the one that takes an answer."""
        expect((page or self.page).locator(".trial:not([data-answer]) .prediction b")).to_have_text(text)
        self.ready(page)

    def all_loaded(self) -> None:
        """Wait until the pictures of all trials that were given out at the start are in the browser."""
        self.page.wait_for_function(LOADED, arg=3 * GIVEN_OUT)

    def note_frames(self) -> None:
        """From the next page on, note when the browser paints."""
        self.page.add_init_script(NOTE_FRAMES)

    def frames(self) -> list[float]:
        """Return the times of the page's frames so far, in milliseconds of the wall clock."""
        frames: list[float] = self.page.evaluate("noted")
        return frames

    def pixels(self, choice: Choice) -> str:
        """What a map looks like, as a data address."""
        text: str = self.option(choice).locator("img").evaluate(PIXELS)
        return text

    def expect_last(self) -> None:
        """Wait for the screen after the last trial, which a study with undo has."""
        expect(self.page.get_by_role("heading", name="That was the last trial")).to_be_visible()

    def finish(self) -> None:
        """Go from the screen after the last trial to the done page."""
        self.page.get_by_role("button", name="Finish").click()
        self.expect_done()

    def expect_done(self) -> None:
        self.page.wait_for_url(re.compile(r"/done/$"))
        expect(self.page.get_by_role("heading", name="Thank you")).to_be_visible()

    def without_locks(self) -> None:
        """Be in a browser that cannot keep tabs apart, as on a site without HTTPS."""
        self.context.add_init_script("delete Navigator.prototype.locks")

    @contextmanager
    def answers_held(self) -> Iterator[None]:
        """Let answers reach the server only at the end of the block."""
        held: list[Route] = []
        is_over = False

        def hold(route: Route) -> None:
            if is_over:
                route.continue_()
            else:
                held.append(route)

        self.context.route("**/responses/", hold)
        yield
        is_over = True
        for route in held:
            route.continue_()
        self.context.unroute("**/responses/", hold)

    def sent(self) -> None:
        """Wait until the page knows what the server says to all answers."""
        self.page.wait_for_function(f"() => ({UNSENT})() === 0")

    def cut_connection(self) -> None:
        """Let nothing reach the API any more."""
        self.context.route("**/api/**", lambda route: route.abort("connectionfailed"))

    def restore_connection(self) -> None:
        self.context.unroute_all(behavior="wait")
