"""Downloading a study's answers in a browser."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.dashboard_data import ANSWERED, researcher_of
from tests.e2e.site import Site
from tests.e2e.site_data import session_key

pytestmark = pytest.mark.e2e


@pytest.fixture
def results(site: Site, browser: Browser) -> Iterator[Page]:
    """The page of results of a study with a few answers, as its researcher sees it."""
    slug = site.study()
    site.server.python("-m", "tests.e2e.dashboard_data", slug)
    context = browser.new_context()
    context.add_cookies([{"name": "sessionid", "value": session_key(researcher_of(slug)), "url": site.url}])
    page = context.new_page()
    page.goto(f"{site.url}/dashboard/{slug}/results/")
    yield page
    context.close()


def test_the_answers_come_as_a_file_by_keyboard_alone(results: Page, tmp_path: Path) -> None:
    results.get_by_role("button", name="Download responses.csv").focus()
    with results.expect_download() as download:
        results.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith("-responses.csv")
    download.value.save_as(tmp_path / "responses.csv")
    with (tmp_path / "responses.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len([row for row in rows if row["annotator"] == "A01"]) == ANSWERED


def test_a_download_leaves_the_page_and_is_in_the_log(results: Page) -> None:
    address = results.url
    with results.expect_download():
        results.get_by_role("button", name="Download psych-ds.zip").click()
    assert results.url == address
    results.get_by_role("link", name="Log", exact=True).click()
    expect(results.get_by_role("row", name="downloaded results")).to_have_count(1)
