"""axe on every screen of a whole study, on a desktop and a phone; the same way by the keyboard alone."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.annotator import Annotator
from tests.e2e.conftest import NewAnnotator
from tests.e2e.protocols import CONSENT, DEBRIEFING, INSTRUCTIONS, PLUGIN, QUESTIONNAIRE, TRIALS, practice, protocol
from tests.e2e.site import Site
from tests.e2e.test_accessibility import violations
from tests.e2e.test_pages import fill
from tests.e2e.test_practice import right_answer

pytestmark = pytest.mark.e2e

WHOLE = protocol(
    *(CONSENT, INSTRUCTIONS, QUESTIONNAIRE, practice(make=1, pass_correct=1), TRIALS, DEBRIEFING),
    confidence=3,
    ties="equal_and_both_bad",
    reason="optional",
    overlay_controls=True,
    undo=True,
    break_every=3,
    most_ms=60000,
)
DEVICES: dict[str, dict[str, Any]] = {
    "desktop, light": {},
    "desktop, dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True},
}


def rate(annotator: Annotator, side: str) -> None:
    annotator.ready()
    annotator.press(f"{'Left' if side == 'left' else 'Right'} map: rather")


@pytest.mark.parametrize("device", list(DEVICES))
def test_axe_finds_nothing_on_any_screen_of_a_study(new_annotator: NewAnnotator, site: Site, device: str) -> None:
    annotator = new_annotator(protocol=WHOLE, bypass_csp=True, **DEVICES[device])
    page = annotator.page
    found: list[str] = []

    def look() -> None:
        found.extend(violations(page))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    annotator.open()
    annotator.on_page("Taking part in this study")
    look()
    annotator.press("I do not take part")
    annotator.on_page("Leave the study?")
    look()
    annotator.press("Back to the page")
    annotator.press("I agree and take part")
    annotator.on_page("What you will see")
    look()
    annotator.press("Continue")
    annotator.on_page("About you")
    look()
    annotator.press("Continue")
    expect(page.get_by_text("Please look at 3 questions again.")).to_be_visible()
    look()
    fill(page)
    annotator.press("Continue")
    annotator.on_page("Practice")
    look()
    annotator.press("Start the practice")
    annotator.ready()
    rate(annotator, right_answer(site, annotator.slug))
    expect(page.get_by_role("heading", name="That is right")).to_be_visible()
    look()
    annotator.press("Go on")
    annotator.ready()
    annotator.press("Add a reason")
    page.get_by_label("Zoom").press("End")
    look()
    rate(annotator, "left")
    rate(annotator, "left")
    annotator.ready()
    annotator.option("left").click()
    look()
    rate(annotator, "left")
    expect(page.get_by_role("heading", name="Time for a short break")).to_be_visible()
    look()
    annotator.press("Stop taking part")
    expect(page.get_by_role("dialog")).to_be_visible()
    look()
    annotator.press("Go on with the study")
    annotator.press("Go on")
    for _ in range(3):
        rate(annotator, "right")
    annotator.expect_last()
    look()
    annotator.press("Finish")
    annotator.on_page("What this was about")
    look()
    annotator.press("Finish the study")
    annotator.page.wait_for_url("**/done/")
    look()
    assert found == []


def test_axe_finds_nothing_where_the_runner_refuses(new_annotator: NewAnnotator) -> None:
    annotator = new_annotator(
        protocol=protocol(least=(900, 600)), bypass_csp=True, viewport={"width": 360, "height": 640}
    )
    annotator.open()
    expect(annotator.page.get_by_role("heading", name="This window is too small")).to_be_visible()
    assert violations(annotator.page) == []
    second = annotator.watch(annotator.context.new_page())
    annotator.open(second)
    expect(second.get_by_role("heading", name="This study is open in another tab")).to_be_visible()
    assert violations(second) == []


def test_a_stock_plugins_page_can_be_read_in_the_dark(new_annotator: NewAnnotator) -> None:
    annotator = new_annotator(protocol=protocol(PLUGIN, TRIALS), bypass_csp=True, color_scheme="dark")
    annotator.open()
    annotator.on_page("Afterwards")
    assert [finding for finding in violations(annotator.page) if finding.startswith("color-contrast")] == []


def test_a_whole_study_goes_by_the_keyboard_alone(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(protocol=WHOLE)
    keys = annotator.page.keyboard
    annotator.page.mouse.move(0, 0)

    def tab_to(name: str) -> None:
        """Press Tab until the button of this name has the focus."""
        button = annotator.page.get_by_role("button", name=name, exact=True)
        expect(button).to_be_enabled()
        for _ in range(40):
            keys.press("Tab")
            if button.evaluate("button => button === document.activeElement"):
                return
        pytest.fail(f"Tab does not reach {name}")

    annotator.open()
    annotator.on_page("Taking part in this study")
    tab_to("I agree and take part")
    keys.press("Enter")
    annotator.on_page("What you will see")
    tab_to("Continue")
    keys.press("Space")
    annotator.on_page("About you")
    # The number, the first option, past the boxes, and along the scale.
    keys.press("Tab")
    keys.type("34")
    keys.press("Tab")
    keys.press("Space")
    for _ in range(3):
        keys.press("Tab")
    keys.press("Space")
    keys.press("ArrowRight")
    tab_to("Continue")
    keys.press("Enter")
    annotator.on_page("Practice")
    tab_to("Start the practice")
    keys.press("Enter")
    annotator.ready()
    keys.press("ArrowLeft" if right_answer(site, annotator.slug) == "left" else "ArrowRight")
    keys.press("3")
    expect(annotator.page.get_by_role("heading", name="That is right")).to_be_focused()
    tab_to("Go on")
    keys.press("Enter")
    for arrow in ("ArrowLeft", "ArrowRight", "ArrowUp"):
        annotator.ready()
        keys.press(arrow)
        keys.press("2")
    expect(annotator.page.get_by_role("heading", name="Time for a short break")).to_be_focused()
    tab_to("Go on")
    keys.press("Enter")
    for arrow in ("ArrowDown", "ArrowLeft", "ArrowRight"):
        annotator.ready()
        keys.press(arrow)
        keys.press("1")
    annotator.expect_last()
    tab_to("Finish")
    keys.press("Enter")
    annotator.on_page("What this was about")
    tab_to("Finish the study")
    keys.press("Enter")
    annotator.page.wait_for_url("**/done/")
    assert site.participation(annotator.slug) == "completed"
    assert dict(site.pages(annotator.slug))["about-you"] == {"age": 34, "vision": "Yes", "expertise": 2}
    given = [(row.given, row.confidence) for row in site.responses(annotator.slug)][1:]
    assert given == [("left", 2), ("right", 2), ("equal", 2), ("both_bad", 1), ("left", 1), ("right", 1)]
