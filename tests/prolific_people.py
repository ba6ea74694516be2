"""Simulated people who come from the service, go through the study in Chromium as it comes, and go back."""

import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.prolific_site import ProlificSite

NAMES = {
    "left": "Left map",
    "right": "Right map",
    "neither": "Neither",
    "equal": "Equally good",
    "both_bad": "Both bad",
}
Screen = Literal["trial", "form", "page", "rest", "done"]

# Which screen is on, once it takes an answer. The first moments of a trial belong to the one before.
SCREEN = """() => {
    if (location.pathname.endsWith("/done/")) return "done";
    const trial = document.querySelector(".trial:not([data-answer])");
    const painted = Number(trial?.dataset.painted);
    if (trial) return painted && performance.now() > painted + 260 ? "trial" : null;
    if (document.querySelector("form:not([data-sent]) [data-field]")) return "form";
    if (document.querySelector(".page-ways button:not(:disabled)")) return "page";
    return document.querySelector("button.rest-action:not(:disabled)") ? "rest" : null;
}"""
# Longer than any page holds people back.
PATIENCE_MS = 60_000


@dataclass
class Person:
    """Somebody with an id at the service, and how they behave.

    `leaves_after`: how many trials they answer before they close the browser without a word. `looks_for_ms`: how long
    they look at a trial, about.
    """

    id: str
    accepts: bool = True
    sees_well: bool = True
    is_careful: bool = True
    leaves_after: int | None = None
    looks_for_ms: int = 0
    seed: int = 0
    # Tokens of trials that they have answered, on any device.
    answered: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)


@dataclass
class Visit:
    """A person at a browser of their own."""

    site: ProlificSite
    person: Person
    context: BrowserContext
    page: Page
    # Where pictures of every new kind of screen go, and the names of those that were made.
    pictures: Path | None = None
    pictured: set[str] = field(default_factory=set)

    @classmethod
    def begin(cls, site: ProlificSite, person: Person, browser: Browser, **options: object) -> "Visit":
        """Open a new browser for the person."""
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: person.complaints.append(str(error)))
        return cls(site, person, context, page)

    def end(self) -> None:
        self.context.close()

    def arrive(self) -> None:
        """Come from the service and press the button."""
        self.page.goto(self.site.recruiter.take_address(self.person.id))
        self._picture("join")
        self.page.get_by_role("main").get_by_role("button").click()

    def go_through(self) -> bool:
        """Do whatever comes until the end; False: the person has left before."""
        while True:
            screen = self.page.wait_for_function(SCREEN, polling=30, timeout=PATIENCE_MS).json_value()
            if screen == "done":
                return True
            if screen == "trial" and len(self.person.answered) == self.person.leaves_after:
                self._wait_until_stored()
                return False
            self._act(screen)

    def go_back(self) -> str:
        """Press the button that leads back to the service; returns what the service says."""
        self._picture(f"done-{self.site.state(self.person.id)}" if self._is_known() else "done")
        self.page.get_by_role("link", name="Go back to Prolific").click()
        self.page.wait_for_url("**/submissions/complete*")
        return self.page.get_by_role("heading").inner_text()

    def take_part(self) -> str | None:
        """Come, do everything, and go back; None: the person has left before."""
        self.arrive()
        return self.go_back() if self.go_through() else None

    def _is_known(self) -> bool:
        return bool(self.site.rows("SELECT 1 FROM studies_externalidentity WHERE external_id = ?", self.person.id))

    def _act(self, screen: Screen) -> None:
        if screen == "trial":
            self._answer_trial()
        elif screen == "form":
            self._fill_form()
        elif screen == "page":
            self._picture(self.page.locator(".page-title").inner_text())
            self._leave_page()
        else:
            self._picture("rest")
            self.page.locator("button.rest-action").first.click()

    def _leave_page(self) -> None:
        ways = self.page.locator(".page-ways button")
        if self.person.accepts or ways.count() == 1:
            ways.first.click()
        else:
            ways.last.click()
            self.page.get_by_role("button", name="Leave the study").click()
            self.page.wait_for_url("**/done/")

    def _fill_form(self) -> None:
        fields = self.page.locator("form [data-field]")
        for index in range(fields.count()):
            self._fill_field(fields.nth(index))
        self._picture("questionnaire")
        form = self.page.locator("form:has([data-field])")
        # Marked, since the next form may look just like it.
        form.evaluate("form => { form.dataset.sent = 'yes'; }")
        form.locator("[type=submit]").click()

    def _fill_field(self, shown: Locator) -> None:
        options = shown.get_by_role("radio")
        if shown.locator("input[type=number]").count():
            shown.locator("input[type=number]").fill(str(self.person.chance.randint(18, 70)))
        elif shown.get_attribute("data-field") == "vision":
            options.nth(0 if self.person.sees_well else 1).check()
        elif options.count():
            options.nth(self.person.chance.randrange(options.count())).check()

    def _answer_trial(self) -> None:
        trials = [trial for trial in self.site.open_trials(self.person.id) if trial.token not in self.person.answered]
        trial = trials[0]
        right = trial.right_answer
        wrong = "left" if right == "right" else "right"
        if trial.expected:
            choice = right if self.person.is_careful else wrong
        else:
            # The same opinion when the trial comes again with the sides swapped.
            opinion = random.Random(f"{self.person.seed} about {trial.trial}")
            choice = opinion.choices([right, wrong, "tie"], [6, 3, 1])[0]
        self._picture(trial.kind)
        self.page.wait_for_timeout(self.person.looks_for_ms * self.person.chance.uniform(0.7, 1.5))
        self._click(choice)
        self.person.answered.add(trial.token)

    def _click(self, choice: str) -> None:
        """Choose, with how sure one is where that is asked for."""
        buttons = self.page.locator(".trial:not([data-answer])")
        names = [NAMES[choice]] if choice in NAMES else [NAMES["equal"], NAMES["neither"]]
        for name in names:
            rated = buttons.get_by_role("button", name=f"{name}: rather", exact=True)
            plain = buttons.get_by_role("button", name=name, exact=True)
            if rated.count() or plain.count():
                (rated if rated.count() else plain).click()
                return
        raise AssertionError(f"the trial offers none of {', '.join(names)}")

    def _wait_until_stored(self) -> None:
        """Wait until no answer is on its way any more."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while {trial.token for trial in self.site.open_trials(self.person.id)} & self.person.answered:
            assert time.monotonic() < deadline, "answers are not stored"
            time.sleep(0.05)

    def _picture(self, name: str) -> None:
        """Make a picture of a screen, the first time that it comes."""
        if self.pictures is None or name in self.pictured:
            return
        self.pictured.add(name)
        file = "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")
        expect(self.page.locator("body")).to_be_visible()
        self.page.screenshot(path=self.pictures / f"{len(self.pictured):02}-{file}.png")
