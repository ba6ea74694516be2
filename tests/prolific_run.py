"""A run at the simulated recruitment service, to look at: people in Chromium, then the dashboard.

    python -m tests.prolific_run --annotators 20 --screenshots var/prolific

It goes by `examples/protocols/prolific.toml` with fewer trials, on the demo bundle and a database of its own. Some
people decline, are screened out, fail the practice, drop out, come back or find the study full.
"""

import argparse
import time
from collections import Counter
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from harmony_app.tests.servers import ROOT
from tests.e2e.site import CHROMIUM_FLAGS, chromium_path
from tests.prolific_people import Person, Visit
from tests.prolific_site import SLUG, STATES, ProlificSite, prolific_site
from tests.recruiter import person_id

EXAMPLE = ROOT / "examples" / "protocols" / "prolific.toml"
# A few minutes for everybody, instead of a quarter of an hour for each.
SHORTER = {
    "annotators_per_trial = 5\n": "annotators_per_trial = 9\n",
    "per_annotator = 60\n": "per_annotator = 6\n",
    "break_every = 20\n": "break_every = 4\n",
    "least_seconds = 10\n": "least_seconds = 1\n",
    "share = 0.1\nmake = 8\n": "share = 0.2\nmake = 4\n",
    "share = 0.1\ndistance = 15\n": "share = 0.2\ndistance = 3\n",
    "after = 4\n": "after = 1\n",
    "after = 20\n": "after = 6\n",
    "[recruitment.prolific]\n": '[recruitment.prolific]\ncompletion_url = "{completion_url}"\n',
}
# Of twenty people, what becomes of those who do not just complete the study.
EVERY = 20
DECLINES, CANNOT_SEE, CARELESS, DROPS_OUT, COMES_BACK = {4}, {7, 15}, {10}, {2, 12}, {5, 13}
PASSWORD = "to-look-at-the-dashboard"
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


def shorter_example(annotators: int) -> str:
    """Return the example protocol with fewer trials, and places for two thirds of the people."""
    text = EXAMPLE.read_text(encoding="utf-8")
    places = {"places = 40\n": f"places = {max(1, annotators * 2 // 3)}\n"}
    for long, short in {**SHORTER, **places}.items():
        if long not in text:
            raise ValueError(f"{EXAMPLE}: has no line {long.strip()!r} any more; change SHORTER to what it has now")
        text = text.replace(long, short)
    return text


def person(number: int) -> Person:
    """Return the person of this number, counted from 1, with their way of taking part."""
    kind = (number - 1) % EVERY + 1
    return Person(
        person_id(number),
        accepts=kind not in DECLINES,
        sees_well=kind not in CANNOT_SEE,
        is_careful=kind not in CARELESS,
        leaves_after=8 if kind in DROPS_OUT | COMES_BACK else None,
        looks_for_ms=500,
        seed=number,
    )


def visit(site: ProlificSite, who: Person, browser: Browser, pictures: Path | None) -> str:
    """Let somebody take part in a browser of their own; returns what the service said, or that they left."""
    came = Visit.begin(site, who, browser)
    came.pictures = pictures
    try:
        return came.take_part() or "left"
    finally:
        came.end()


def look_at_the_dashboard(site: ProlificSite, browser: Browser, folder: Path) -> None:
    """Make pictures of the researchers' pages."""
    make = "import django; django.setup(); from studies.models import User; User.objects.create_superuser"
    site.server.python("-c", f"{make}('researcher', password={PASSWORD!r})")
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site.server.url}/accounts/login/")
    page.get_by_label("Username").fill("researcher")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{site.server.url}/")
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for name in ("", "annotators/", "links/", "log/"):
            page.goto(f"{site.server.url}/dashboard/{SLUG}/{name}")
            page.screenshot(path=folder / f"dashboard-{name.strip('/') or 'overview'}-{size}.png", full_page=True)
    context.close()


def run(annotators: int, folder: Path, minutes: float) -> None:
    """Let people take part one after the other, until all have or the time is up, and print what became of them."""
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with prolific_site(shorter_example(annotators)) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        returning = []
        for number in range(1, annotators + 1):
            if time.monotonic() - began > minutes * 60:
                print(f"the time is up after {number - 1} people")
                break
            who = person(number)
            said = visit(site, who, browser, folder if number == 1 else None)
            print(f"{time.monotonic() - began:5.0f} s  person {number:2}: {said}", flush=True)
            if said == "left" and (number - 1) % EVERY + 1 in COMES_BACK:
                who.leaves_after = None
                returning.append((number, who))
        for number, who in returning:
            print(f"{time.monotonic() - began:5.0f} s  person {number:2}, again: {visit(site, who, browser, None)}")
        look_at_the_dashboard(site, browser, folder)
        browser.close()
        report(site, time.monotonic() - began)


def report(site: ProlificSite, seconds: float) -> None:
    """Print how it ended, as the site and as the service have it."""
    print("the site:   ", dict(Counter(row[2] for row in site.rows(STATES))))
    codes = {one.person: set(one.codes) for one in site.recruiter.submissions.values()}
    outcomes = Counter(site.recruiter.outcome(one) or "still out" for one in codes)
    print("the service:", dict(outcomes))
    print("people with two codes:", sum(len(some) > 1 for some in codes.values()))
    print("codes that it cannot read:", len(site.recruiter.faults))
    [(answers, trials)] = site.rows("SELECT count(*), count(DISTINCT assignment_id) FROM studies_response")
    print(f"{answers} answers to {trials} trials that were given out, in {seconds:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--annotators", type=int, default=20, help="how many people come")
    parser.add_argument("--screenshots", type=Path, required=True, metavar="FOLDER", help="where pictures go")
    parser.add_argument("--minutes", type=float, default=8, help="after this time nobody new comes")
    arguments = parser.parse_args()
    if arguments.annotators < 1:
        parser.error("--annotators is too small; let at least one person come")
    run(arguments.annotators, arguments.screenshots, arguments.minutes)


if __name__ == "__main__":
    main()
