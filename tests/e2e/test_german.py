"""The annotator's pages in German: nothing that people see or hear is left in English."""

import re
from pathlib import Path

import polib
import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.annotator import Annotator
from tests.e2e.conftest import NewAnnotator
from tests.e2e.protocols import protocol
from tests.e2e.site import Site
from tests.e2e.site_data import CLASSES

pytestmark = pytest.mark.e2e

CATALOGUES = Path(__file__).resolve().parents[2] / "locale" / "de" / "LC_MESSAGES"
# What the study brings along, names of keys, and names.
DATA = {
    "Where does the network look?",
    "Which map explains the network’s answer better?",
    "Harmony",
    *CLASSES,
    *"123←→↓U",
}
# Every text on the page: of elements with words of their own (not only of their children), and what is spoken.
TEXTS = """() => {
    const texts = [];
    for (const element of document.body.querySelectorAll("*")) {
        if (["SCRIPT", "NOSCRIPT"].includes(element.tagName) || element.closest("[hidden]")) continue;
        const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
        if (own.some((node) => node.textContent.trim())) texts.push(element.textContent);
        for (const name of ["aria-label", "alt", "title", "placeholder"]) texts.push(element.getAttribute(name) ?? "");
        const after = getComputedStyle(element, "::after").content;
        if (/^".+"$/.test(after)) texts.push(after.slice(1, -1));
    }
    texts.push(document.title.replace(/ – Harmony$/, ""));
    return texts.map((text) => text.replace(/\\s+/g, " ").trim()).filter(Boolean);
}"""


def german_texts() -> list[str]:
    """Return every German text of the catalogues, with placeholders."""
    entries = [entry for name in ("django", "djangojs") for entry in polib.pofile(str(CATALOGUES / f"{name}.po"))]
    return [text for entry in entries if not entry.obsolete for text in (entry.msgstr, *entry.msgstr_plural.values())]


def left_over(texts: list[str], username: str) -> list[str]:
    """Return the texts that are neither data nor made up of German texts from the catalogues."""
    value = "|".join(map(re.escape, sorted({*DATA, username}, key=len, reverse=True)))
    value = rf"(?:{value}|\d+(?:, \d+)*|[0-9a-f]{{16}}|\w+: [\w ]+)"
    sentence = "|".join(
        re.sub(r"%\\\(\w+\\\)s", lambda _: value, re.escape(text)) for text in set(german_texts()) if text
    )
    # Behind a text may stand the number of the request.
    known = re.compile(rf"(?:{sentence}|{value})(?: (?:{sentence}))*(?: [0-9a-f]{{16}})?")
    return [text for text in texts if not known.fullmatch(text)]


def expect_german(annotator: Annotator) -> None:
    page = annotator.page
    assert page.locator("html").get_attribute("lang") == "de"
    assert left_over(page.evaluate(TEXTS), annotator.slug) == []


def choose(page: Page, choice: str) -> None:
    page.locator(f".trial:not([data-answer]) [data-choice={choice}]").click()


@pytest.fixture
def german(new_annotator: NewAnnotator) -> Annotator:
    return new_annotator(locale="de-DE")


def test_english_texts_count_as_left_over() -> None:
    english = ["Left map", "No connection just now. Nothing is lost.", "Linke Karte Left map", "2 of 6"]
    assert left_over(english, "maps") == english
    assert left_over(["Linke Karte", "Im Moment keine Verbindung. Nichts ist verloren.", "2 von 6"], "maps") == []


def test_an_english_page_would_be_found_out(annotator: Annotator) -> None:
    annotator.start()
    found = left_over(annotator.page.evaluate(TEXTS), annotator.slug)
    assert {"Left map", "Neither", "Undo", "0 of 6", "Answer keys:", "on", "Study", "Progress"} <= set(found)
    assert "The picture that the network was shown" in found


def test_a_trial_is_in_german(german: Annotator) -> None:
    german.start()
    expect(german.page.get_by_role("button", name="Linke Karte", exact=True)).to_be_visible()
    expect(german.page.locator("#announcer")).to_have_text(
        f"Durchgang 1 von 6. Antwort des Netzwerks: {german.prediction()}."
    )
    expect_german(german)


def test_undo_and_the_answer_keys_are_in_german(german: Annotator) -> None:
    german.start()
    choose(german.page, "left")
    german.ready()
    german.page.get_by_role("button", name="Rückgängig").click()
    expect(german.page.get_by_role("button", name="Behalten")).to_be_visible()
    german.page.get_by_role("button", name="Antworttasten").click()
    german.ready()
    expect_german(german)


@pytest.mark.parametrize("width", [320, 360])
def test_german_words_fit_on_a_phone(new_annotator: NewAnnotator, width: int) -> None:
    german = new_annotator(locale="de-DE", viewport={"width": width, "height": 640}, has_touch=True, is_mobile=True)
    german.start()
    choose(german.page, "left")
    german.ready()
    assert german.page.evaluate("document.documentElement.scrollWidth") == width
    german.page.locator("#undo").click()
    expect(german.page.locator("#undo-label")).to_have_text("Behalten")
    german.ready()
    assert german.page.evaluate("document.documentElement.scrollWidth") == width


def test_what_is_said_about_the_connection_is_in_german(german: Annotator) -> None:
    german.start()
    german.all_loaded()
    german.cut_connection()
    for count, text in [(1, "1 Antwort wird"), (2, "2 Antworten werden")]:
        choose(german.page, "left")
        expect(german.page.locator("#notice")).to_contain_text(f"{text} in diesem Browser aufbewahrt.")
        expect_german(german)
        if count == 1:
            german.ready()
    german.restore_connection()
    german.page.evaluate("dispatchEvent(new Event('online'))")
    expect(german.page.get_by_text("Alle Ihre Antworten sind angekommen.")).to_be_visible()


def test_a_refused_answer_is_reported_in_german(german: Annotator) -> None:
    german.page.route("**/responses/", lambda route: route.fulfill(status=400, json={"rt_ms": ["zu lang"]}), times=1)
    german.start()
    choose(german.page, "left")
    expect(german.page.locator("#refused")).to_contain_text("Ihre Antwort auf Durchgang 1 wurde nicht angenommen")
    german.ready()
    expect_german(german)


def test_the_server_refuses_an_answer_in_german(german: Annotator) -> None:
    german.start()
    german.page.route("**/responses/", _with_an_unknown_choice, times=1)
    choose(german.page, "left")
    expect(german.page.locator("#refused")).to_contain_text("ist keine gültige Option")


def _with_an_unknown_choice(route: Route) -> None:
    route.continue_(post_data=(route.request.post_data or "").replace('"left"', '"above"'))


def test_a_paused_study_says_so_in_german(german: Annotator, site: Site) -> None:
    german.start()
    site.set_state(german.slug, "paused")
    german.page.reload()
    expect(german.page.get_by_role("heading", name="Die Studie ist angehalten")).to_be_visible()
    expect_german(german)


def test_the_whole_way_from_the_start_page_to_the_thanks_is_in_german(german: Annotator, site: Site) -> None:
    german.page.goto(f"{site.url}/")
    expect_german(german)
    german.page.get_by_role("link", name="Beginnen").click()
    for _ in range(6):
        german.ready()
        choose(german.page, "right")
    expect(german.page.get_by_role("heading", name="Das war der letzte Durchgang")).to_be_visible()
    expect_german(german)
    german.page.get_by_role("button", name="Abschließen").click()
    expect(german.page.get_by_role("heading", name="Vielen Dank, das war alles")).to_be_visible()
    expect_german(german)
    german.page.goto(f"{site.url}/nowhere/")
    expect(german.page.get_by_role("heading", name="Diese Seite gibt es nicht")).to_be_visible()
    expect_german(german)


def test_numbers_have_a_comma_where_they_are_read_and_a_point_where_they_are_used(new_annotator: NewAnnotator) -> None:
    german = new_annotator(protocol=protocol(overlay_controls=True, most_ms=60_500), locale="de-DE")
    german.start()
    page = german.page
    expect(page.get_by_text("60,5 Sekunden")).to_be_visible()
    zoom = page.locator("#view-zoom")
    zoom.press("ArrowRight")
    expect(page.locator("output[for=view-zoom]")).to_have_text("1,5×")
    expect(zoom).to_have_attribute("aria-valuetext", "1,5×")
    expect(zoom).to_have_value("1.5")
    assert page.locator("[style*='--zoom']").first.evaluate("view => view.style.getPropertyValue('--zoom')") == "1.5"
