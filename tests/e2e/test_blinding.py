"""Nothing that reaches the browser tells which map is which, or what is being studied."""

import re

import pytest
from playwright.sync_api import Request, Route

from tests.e2e.annotator import Annotator
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

# Roles, and the names of the test studies' metric, network, attributor and dataset.
TELLING = re.compile(r"original|finetun|fine-tun|\blearn\b|\bscore|\brma\b|gradcam|smallcnn|\bshapes\b", re.IGNORECASE)
DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


def test_a_whole_session_names_no_role_no_metric_and_no_file(annotator: Annotator, site: Site) -> None:
    texts: list[str] = []
    pictures: dict[str, bytes] = {}

    def keep(request: Request) -> None:
        response = request.response()
        # The scripts are the same for every study, so they cannot tell.
        if response is None or "/static/" in response.url:
            return
        texts.append(f"{response.url} {response.all_headers()}")
        if response.request.resource_type == "document":
            texts.append(response.text())

    def keep_reply(route: Route) -> None:
        # The browser forgets a reply with the page that asked, which may be soon.
        reply = route.fetch()
        texts.append(reply.text())
        route.fulfill(response=reply)

    def keep_picture(route: Route) -> None:
        reply = route.fetch()
        pictures[route.request.url] = reply.body()
        route.fulfill(response=reply)

    annotator.page.route("**/pictures/**", keep_picture)
    annotator.page.route("**/api/**", keep_reply)
    annotator.page.on("requestfinished", keep)
    annotator.start()
    for _ in range(6):
        annotator.ready()
        texts.append(annotator.page.content())
        texts.append(annotator.page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])"))
        annotator.answer("left")
    annotator.finish()
    texts.append(annotator.page.content())

    assert len(texts) > 30
    assert [found.group() for text in texts for found in TELLING.finditer(text)] == []
    assert [found.group() for text in texts for found in DIGEST.finditer(text)] == []
    assert len(pictures) == 18
    assert len(set(pictures.values())) == 18
    for trial in {url.rsplit("/", 1)[0] for url in pictures}:
        assert len({len(pictures[f"{trial}/{slot}"]) for slot in ("left", "right")}) == 1


def test_kept_answers_name_no_role(annotator: Annotator) -> None:
    annotator.start()
    annotator.cut_connection()
    annotator.answer("left", "right")
    annotator.ready()
    kept: str = annotator.page.evaluate("JSON.stringify(localStorage)")
    assert kept.count("harmony:unsent:") == 2
    assert TELLING.search(kept) is None


def test_maps_are_named_by_their_side_alone(annotator: Annotator) -> None:
    annotator.start()
    for choice in ("left", "right"):
        html: str = annotator.option(choice).evaluate("map => map.outerHTML")
        other = "right" if choice == "left" else "left"
        assert other not in html.lower()
        assert not re.search(r"title=|/pictures/", html)
