"""What the runner loads before its first trial, and how many requests a trial takes."""

import re

import pytest
from playwright.sync_api import Request

from studies.templatetags.runner_modules import imported_modules
from tests.e2e.annotator import Annotator
from tests.e2e.conftest import NewAnnotator
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

MOST_BYTES = 300_000


def test_the_first_load_without_pictures_is_small(annotator: Annotator) -> None:
    finished: list[Request] = []
    annotator.page.on("requestfinished", lambda request: finished.append(request))
    annotator.start()
    annotator.all_loaded()
    annotator.page.wait_for_load_state("networkidle")
    loaded = [each for each in finished if "/pictures/" not in each.url and not each.url.startswith("blob:")]
    sizes = [each.sizes() for each in loaded]
    assert len(loaded) > 20
    assert sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes) < MOST_BYTES


def test_every_module_is_preloaded_and_fetched_once(annotator: Annotator) -> None:
    asked: list[str] = []
    annotator.page.on("request", lambda request: asked.append(request.url))
    annotator.start()
    scripts = [found.group(1) for url in asked if (found := re.search(r"/static/studies/([a-z-]+\.js)", url))]
    assert sorted(scripts) == sorted([*imported_modules(), "runner.js"])
    preloaded = annotator.page.locator("link[rel=modulepreload]").evaluate_all("links => links.map(link => link.href)")
    assert len(preloaded) == len(imported_modules())


def test_an_answer_brings_the_next_trials_along(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(slug=site.study(trials=16))
    annotator.start()
    annotator.all_loaded()
    sent: list[Request] = []
    annotator.page.on("request", lambda request: sent.append(request))
    for _ in range(10):
        annotator.answer("left")
        # Whoever is faster than the server may run out of trials and have to ask.
        annotator.sent()
    annotator.ready()
    posted = [each.url for each in sent if each.method == "POST"]
    assert [url for url in posted if not url.endswith("/responses/")] == []
    assert len(posted) == 10
