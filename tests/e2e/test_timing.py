"""Reaction times, and pictures that are there before their trial."""

import time

import pytest

from tests.e2e.annotator import Annotator
from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

GAPS = "() => performance.getEntriesByName('harmony-gap').map(gap => gap.duration)"


def test_the_reaction_time_agrees_with_the_wall_clock(annotator: Annotator, site: Site) -> None:
    before = time.time()
    annotator.start()
    seen = time.time()
    annotator.page.wait_for_timeout(500)
    waited = time.time()
    annotator.answer("left")
    after = time.time()
    site.wait_for_answers(annotator.slug, 1)
    [row] = site.responses(annotator.slug)
    # Both clocks are this machine's; the browser rounds its own.
    assert before - 0.002 < row.timing["painted_at"] / 1000 < seen
    assert waited - 0.002 < row.timing["answered_at"] / 1000 < after + 0.002
    assert row.timing["answered_at"] - row.timing["painted_at"] == pytest.approx(row.rt_ms, abs=0.3)


def test_an_answer_carries_how_it_was_measured(annotator: Annotator, site: Site) -> None:
    annotator.note_frames()
    annotator.start()
    annotator.answer("left", "right")
    site.wait_for_answers(annotator.slug, 2)
    first, second = (row.timing for row in site.responses(annotator.slug))
    assert first["gap_ms"] is None
    assert second["gap_ms"] > 0
    assert first["viewport"] == [1280, 720]
    assert first["device_pixel_ratio"] == 1
    assert (first["hidden"], first["hidden_ms"], first["showings"]) == (0, 0, 1)
    assert first["decode_ms"] >= 0
    before, painted = [frame for frame in annotator.frames() if frame < first["painted_at"] + 0.2][-2:]
    assert painted == pytest.approx(first["painted_at"], abs=0.2)
    assert first["frame_ms"] == pytest.approx(painted - before, abs=0.2)


def test_an_input_before_the_pictures_are_painted_is_no_answer(annotator: Annotator, site: Site) -> None:
    annotator.page.add_init_script(
        """new MutationObserver((changes, observer) => {
            if (!document.querySelector(".option-map")) return;
            observer.disconnect();
            document.querySelector("[data-choice=left]").click();
            document.dispatchEvent(new KeyboardEvent("keydown", {key: "1", bubbles: true}));
            window.tooEarly = true;
        }).observe(document, {childList: true, subtree: true});"""
    )
    annotator.start()
    assert annotator.page.evaluate("window.tooEarly") is True
    annotator.answer("right")
    assert site.wait_for_answers(annotator.slug, 1) == [(1, 1, "right")]
    annotator.expect_progress("1 of 6")


def pictures_in(urls: list[str]) -> list[str]:
    return [url for url in urls if "/pictures/" in url]


def test_the_next_trials_pictures_are_asked_for_before_they_are_needed(annotator: Annotator) -> None:
    asked: list[str] = []
    annotator.page.on("request", lambda request: asked.append(request.url))
    annotator.start()
    annotator.all_loaded()
    asked[:] = pictures_in(asked)
    tokens = {url.split("/")[-2] for url in asked}
    assert len(tokens) >= 4
    assert len(asked) == len(set(asked)) == 3 * len(tokens)
    annotator.answer("left", "left", "left")
    annotator.ready()
    later = pictures_in(asked[3 * len(tokens) :])
    assert not {url.split("/")[-2] for url in later} & tokens


def test_the_next_trial_follows_the_answer_at_once(annotator: Annotator) -> None:
    annotator.start()
    annotator.all_loaded()
    # Whatever the server does meanwhile.
    with annotator.answers_held():
        annotator.answer("left", "right", "left", "right", "left")
        annotator.ready()
    gaps = annotator.page.evaluate(GAPS)
    assert len(gaps) == 5
    # Each well under 100 ms on a machine of its own; others who share this one may hold up some of them.
    assert min(gaps) < 200
