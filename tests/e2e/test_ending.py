"""The end of a participation in the browser: the code to take away, and withdrawing."""

from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.annotator import Annotator
from tests.e2e.conftest import NewAnnotator
from tests.e2e.test_accessibility import SCHEMES, violations

pytestmark = pytest.mark.e2e

PROTOCOL = """
[[pages]]
kind = "questionnaire"
key = "about-you"
title = "About you"

[[pages.fields]]
name = "sight"
label = "How well do you see?"
kind = "choice"
options = ["Well", "Badly"]
screen_out = ["Badly"]

[[pages]]
kind = "trials"

[recruitment.code]
screened_out = "SEE-YOU-42"
"""

# Sends a page as the runner does.
SEND = """async ([address, body]) => {
    const token = document.cookie.match(/csrftoken=([^;]+)/)[1];
    const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
    const reply = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
    return reply.status;
}"""
COPIED = "navigator.clipboard.readText()"


def open_page(annotator: Annotator, path: str) -> Page:
    annotator.page.goto(f"{annotator.site.url}/studies/{annotator.slug}/{path}/")
    return annotator.page


def be_screened_out(annotator: Annotator) -> Page:
    """Answer the questionnaire so that the participation ends, and open the done page."""
    page = open_page(annotator, "done")
    body: dict[str, Any] = {"answers": {"sight": "Badly"}}
    body["uuid"] = page.evaluate("crypto.randomUUID()")
    assert page.evaluate(SEND, [f"/api/v1/studies/{annotator.slug}/pages/about-you/", body]) == 201
    return open_page(annotator, "done")


def test_the_completion_code_is_copied_by_its_button(new_annotator: NewAnnotator) -> None:
    annotator = new_annotator(protocol=PROTOCOL, permissions=["clipboard-read", "clipboard-write"])
    page = be_screened_out(annotator)
    expect(page.get_by_label("Your completion code")).to_have_text("SEE-YOU-42")
    page.get_by_role("button", name="Copy the code").click()
    expect(page.get_by_role("status")).to_have_text("The code is copied.")
    assert page.evaluate(COPIED) == "SEE-YOU-42"


def test_withdrawing_needs_no_mouse(new_annotator: NewAnnotator) -> None:
    annotator = new_annotator(protocol=PROTOCOL)
    page = open_page(annotator, "withdraw")
    page.get_by_role("radio", name="Keep them").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Delete them")).to_be_checked()
    with page.expect_navigation(url="**/done/"):
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You have stopped taking part")


def test_withdrawing_works_without_scripts(new_annotator: NewAnnotator) -> None:
    annotator = new_annotator(protocol=PROTOCOL, java_script_enabled=False)
    page = open_page(annotator, "withdraw")
    page.get_by_role("radio", name="Keep them").check()
    page.get_by_role("button", name="Stop taking part").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You have stopped taking part")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_at_the_end(new_annotator: NewAnnotator, scheme: Literal["light", "dark"]) -> None:
    annotator = new_annotator(
        protocol=PROTOCOL, color_scheme=scheme, bypass_csp=True, viewport={"width": 360, "height": 740}
    )
    page = open_page(annotator, "withdraw")
    assert violations(page) == []
    page = be_screened_out(annotator)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page = open_page(annotator, "withdraw")
    page.get_by_role("radio", name="Keep them").check()
    with page.expect_navigation(url="**/done/"):
        page.get_by_role("button", name="Stop taking part").click()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
