"""axe on every page, the keyboard alone, small screens, and colours that stay put during trials."""

from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.annotator import Annotator
from tests.e2e.conftest import NewAnnotator
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]
# Colours on their way from one to another are neither.
STILL = "Promise.allSettled(document.getAnimations().map(animation => animation.finished)).then(() => null)"
VIEWPORTS = {"phone": (360, 640), "low phone": (360, 560), "phone on its side": (640, 360), "desktop": (1280, 720)}


def violations(page: Page) -> list[str]:
    """Return axe's findings on a page: rule, and the elements it names."""
    page.add_script_tag(path=AXE)
    page.evaluate(STILL)
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [f"{rule['id']}: {[node['html'] for node in rule['nodes']]}" for rule in found["violations"]]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_on_the_pages_of_someone_logged_out(
    site: Site, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{site.url}/accounts/login/")
    assert violations(page) == []
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill("nothing")
    with page.expect_navigation():
        page.get_by_role("button", name="Log in").click()
    assert violations(page) == []
    page.goto(f"{site.url}/nowhere/")
    assert violations(page) == []
    context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_on_the_annotators_pages(
    new_annotator: NewAnnotator, scheme: Literal["light", "dark"]
) -> None:
    annotator = new_annotator(color_scheme=scheme, bypass_csp=True)
    page = annotator.page
    for path in ("", "accounts/password/", f"studies/{annotator.slug}/done/"):
        page.goto(f"{annotator.site.url}/{path}")
        assert violations(page) == []
    annotator.start()
    assert violations(page) == []
    annotator.answer("left")
    annotator.ready()
    annotator.cut_connection()
    annotator.answer("left")
    annotator.ready()
    expect(page.get_by_text("No connection just now")).to_be_visible()
    assert violations(page) == []
    annotator.restore_connection()
    page.evaluate("dispatchEvent(new Event('online'))")
    annotator.answer("left", "left", "left", "left")
    annotator.expect_last()
    assert violations(page) == []
    annotator.finish()
    assert violations(page) == []


@pytest.mark.parametrize("name", list(VIEWPORTS))
def test_a_trial_fits_on_the_screen(new_annotator: NewAnnotator, name: str) -> None:
    width, height = VIEWPORTS[name]
    annotator = new_annotator(
        viewport={"width": width, "height": height}, has_touch=width < 1000, is_mobile=width < 1000
    )
    annotator.start()
    for choice in ("left", "right", "neither"):
        box = annotator.option(choice).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
        # A finger finds it (WCAG 2.2 asks for 24).
        assert min(box["width"], box["height"]) >= 44
    scrolls: bool = annotator.page.evaluate(
        """() => [document.documentElement, document.getElementById("stage")].some(
            box => box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth + 1)"""
    )
    assert not scrolls
    # A notice must not change the size of the pictures that follow.
    before = annotator.option("left").bounding_box()
    annotator.cut_connection()
    annotator.answer("left")
    expect(annotator.page.get_by_text("No connection just now")).to_be_visible()
    annotator.ready()
    assert annotator.option("left").bounding_box() == before


@pytest.mark.parametrize("width", [320, 360])
def test_no_page_scrolls_sideways_on_a_phone(new_annotator: NewAnnotator, width: int) -> None:
    annotator = new_annotator(viewport={"width": width, "height": 640}, has_touch=True, is_mobile=True)
    for path in ("", "accounts/password/", "nowhere/", f"studies/{annotator.slug}/done/"):
        annotator.page.goto(f"{annotator.site.url}/{path}")
        assert annotator.page.evaluate("document.documentElement.scrollWidth") == width


def test_the_tab_key_reaches_every_control_of_a_trial_in_order(annotator: Annotator) -> None:
    annotator.start()
    annotator.answer("left")
    annotator.ready()
    reached = []
    for _ in range(6):
        annotator.page.keyboard.press("Tab")
        reached.append(annotator.page.evaluate("document.activeElement.innerText.split('\\n')[0].trim()"))
    assert reached[:4] == ["Left map", "Right map", "Neither", "Answer keys:"]
    assert any(name.startswith("Pause") for name in reached[4:])


def test_a_focused_map_is_chosen_with_enter(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.option("right").focus()
    annotator.page.keyboard.press("Enter")
    assert site.wait_for_answers(annotator.slug, 1) == [(1, 1, "right")]
    [row] = site.responses(annotator.slug)
    assert row.timing["input"] == "keyboard"


def test_answer_keys_can_be_switched_off_and_stay_off(annotator: Annotator, site: Site) -> None:
    annotator.start()
    annotator.page.get_by_role("button", name="Answer keys").click()
    annotator.page.reload()
    annotator.ready()
    annotator.page.keyboard.press("1")
    annotator.answer("right")
    assert site.wait_for_answers(annotator.slug, 1) == [(1, 1, "right")]


def test_each_trial_is_announced(annotator: Annotator) -> None:
    annotator.start()
    expect(annotator.page.locator("#announcer")).to_have_text(
        f"Trial 1 of 6. The network’s answer: {annotator.prediction()}."
    )
    annotator.answer("left")
    annotator.ready()
    expect(annotator.page.locator("#announcer")).to_contain_text("Trial 2 of 6.")


def test_the_grey_around_a_trial_is_the_same_in_both_colour_schemes(new_annotator: NewAnnotator) -> None:
    seen = []
    for scheme in SCHEMES:
        annotator = new_annotator(color_scheme=scheme)
        annotator.start()
        seen.append(annotator.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert seen == ["rgb(128, 128, 128)"] * 2
