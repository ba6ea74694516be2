"""The pages that say what went wrong, as Django renders them: without any context."""

import re

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Route, expect

from tests.e2e.site import Site
from tests.e2e.test_accessibility import SCHEMES, violations

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500"])
def test_an_error_page_says_what_happened_in_both_colour_schemes(site: Site, browser: Browser, name: str) -> None:
    html = render_to_string(f"{name}.html")
    assert not re.search(r"<style|style=|<script|\son\w+=", html)

    def show(route: Route) -> None:
        route.fulfill(body=html, content_type="text/html")

    for scheme in SCHEMES:
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.route("**/broken/", show)
        page.goto(f"{site.url}/broken/")
        expect(page.get_by_role("heading")).to_have_count(1)
        expect(page.get_by_text(f"Error {name[:3]}")).to_be_visible()
        assert violations(page) == []
        context.close()
