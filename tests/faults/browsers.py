"""Annotators in a real browser at a site with faults, on either database."""

import time
from dataclasses import dataclass

from harmony_app.tests.servers import LiveSite
from harmony_app.tests.test_exactly_once import StudySite
from tests.e2e.annotator import READY, Annotator
from tests.e2e.site import Site

TRIALS = 6
LAST = "That was the last trial"
# What the runner's keys of unsent answers in localStorage begin with; they end with the answer's UUID.
UNSENT = "harmony:unsent:"
NEXT = f"""() => ({READY})()
    || [...document.querySelectorAll("h1, h2")].some(heading => heading.textContent.includes("{LAST}"))"""


@dataclass(frozen=True)
class WiredSite(Site):
    """A site that browsers reach by another address, such as one end of a wire."""

    address: str = ""

    @property
    def url(self) -> str:
        return self.address or self.server.url


# Nothing that was answered waits for its acknowledgement, and the pictures of all trials are in the browser.
AT_REST = f"""() => Object.keys(localStorage).every(key => !key.startsWith("{UNSENT}"))
    && performance.getEntriesByType("resource").filter(one => one.name.includes("/pictures/")).length >= {3 * TRIALS}"""
KEPT = f"""() => Object.keys(localStorage).filter(key => key.startsWith("{UNSENT}"))
    .map(key => key.split(":").at(-1))"""


def stored(site: LiveSite, slug: str) -> list[tuple[int, int, str]]:
    """Return (position, revision, given) of all responses of a study, by position."""
    rows = StudySite(site).rows(
        "SELECT a.position, r.revision, r.given FROM studies_response r"
        " JOIN studies_assignment a ON a.id = r.assignment_id"
        " JOIN studies_participation p ON p.id = a.participation_id"
        f" JOIN studies_study s ON s.id = p.study_id WHERE s.slug = '{slug}' ORDER BY a.position, r.revision"
    )
    return [(position, revision, given) for position, revision, given in rows]


def wait_for_rest(annotator: Annotator) -> None:
    """Wait until the browser needs the server for nothing until the end of the trials."""
    annotator.page.wait_for_function(AT_REST, polling=20)


def kept_answers(annotator: Annotator) -> list[str]:
    """The UUIDs of the answers that the browser keeps, since no server has acknowledged them."""
    kept: list[str] = annotator.page.evaluate(KEPT)
    return kept


def wait_for_stored(site: LiveSite, slug: str, number: int, seconds: float = 60) -> list[tuple[int, int, str]]:
    """Return the responses as soon as there are so many; after some seconds, whatever is there."""
    deadline = time.monotonic() + seconds
    while len(found := stored(site, slug)) < number and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def answer_what_is_left(annotator: Annotator) -> int:
    """Answer every trial that is shown, each `neither`, to the done page; returns how many there were."""
    for number in range(TRIALS + 1):
        annotator.page.wait_for_function(NEXT, polling=20)
        if annotator.page.get_by_role("heading", name=LAST).is_visible():
            annotator.finish()
            return number
        annotator.option("neither").click()
    raise AssertionError(f"more than the {TRIALS} trials of the study were shown")


def check_once(site: LiveSite, slug: str) -> list[str]:
    """Check that every trial has one answer and the study is consistent; returns the answers in order."""
    found = stored(site, slug)
    assert [(position, revision) for position, revision, _given in found] == [(n, 1) for n in range(1, TRIALS + 1)]
    assert site.manage("check_study", slug) == f"{slug}: consistent\n"
    return [given for _position, _revision, given in found]
