"""A real server and a real Chromium for the browser tests."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.e2e.annotator import Annotator
from tests.e2e.site import CHROMIUM_FLAGS, PATIENCE_MS, Site, chromium_path, supplied_site

NewAnnotator = Callable[..., Annotator]


@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    with supplied_site() as running:
        yield running


# Not for the whole session: Playwright's event loop would keep later tests from using Django's database.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def new_annotator(site: Site, browser: Browser) -> Iterator[NewAnnotator]:
    """Make logged-in annotators; at the end, what their browsers complained about fails the test."""
    made: list[Annotator] = []

    def make(
        *,
        slug: str | None = None,
        allow_undo: bool = True,
        offer_neither: bool = True,
        protocol: str = "",
        **context_options: object,
    ) -> Annotator:
        context: BrowserContext = browser.new_context(**context_options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        slug = slug or site.study(allow_undo=allow_undo, offer_neither=offer_neither, protocol=protocol)
        annotator = Annotator(site, slug, context, context.new_page())
        annotator.watch(annotator.page)
        annotator.be_logged_in()
        made.append(annotator)
        return annotator

    yield make
    complaints = [complaint for annotator in made for complaint in annotator.complaints]
    for annotator in made:
        annotator.context.close()
    assert complaints == []


@pytest.fixture
def annotator(new_annotator: NewAnnotator) -> Annotator:
    return new_annotator()
