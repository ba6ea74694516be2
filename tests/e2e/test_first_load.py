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
    loaded: dict[str, int] = {}

    def keep(request: Request) -> None:
        if "/pictures/" not in request.url and not request.url.startswith("blob:"):
            sizes = request.sizes()
            loaded[request.url] = sizes["responseBodySize"] + sizes["responseHeadersSize"]

    annotator.page.on("requestfinished", keep)
    annotator.start()
    annotator.page.wait_for_load_state("networkidle")
    assert len(loaded) > 20
    assert sum(loaded.values()) < MOST_BYTES


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
    annotator.page.wait_for_load_state("networkidle")
    posted: list[str] = []
    annotator.page.on("request", lambda request: request.method == "POST" and posted.append(request.url))
    for _ in range(10):
        annotator.answer("left")
    annotator.ready()
    annotator.page.wait_for_load_state("networkidle")
    assert [url for url in posted if not url.endswith("/responses/")] == []
    assert len(posted) == 10
