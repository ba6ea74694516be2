"""What a protocol can change about trials: answers, ratings, reasons, times, breaks, and how maps are looked at."""

from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.e2e.annotator import Annotator
from tests.e2e.conftest import NewAnnotator
from tests.e2e.protocols import protocol
from tests.e2e.site import Site, Stored

pytestmark = pytest.mark.e2e


# Done by the page itself: whoever comes from outside may come too late on a busy machine.
PRESS_1_EARLY = """new MutationObserver((_, observer) => {
    if (!document.querySelector(".trial[data-painted]")) return;
    observer.disconnect();
    setTimeout(() => document.dispatchEvent(new KeyboardEvent("keydown", { key: "1", bubbles: true })), 230);
}).observe(document, { subtree: true, childList: true, attributes: true });"""
# The frame after the first few comes some 150 ms late.
BE_BUSY_AT_FIRST = """new MutationObserver((_, observer) => {
    if (!document.querySelector(".trial[data-painted]")) return;
    observer.disconnect();
    setTimeout(() => {
        const start = performance.now();
        while (performance.now() < start + 150);
    }, 50);
}).observe(document, { subtree: true, childList: true, attributes: true });"""
GO_ON_AND_ANSWER_LEFT = """() => new Promise((resolve) => {
    document.querySelector("button.rest-action").click();
    const look = () => {
        const trial = document.querySelector(".trial:not([data-answer])");
        if (!trial?.dataset.painted || performance.now() < Number(trial.dataset.painted) + 210) {
            requestAnimationFrame(look);
            return;
        }
        trial.querySelector("[data-choice=left]").click();
        resolve();
    };
    look();
})"""
HAS_TIME_PASSED = """ms => {
    const trial = document.querySelector(".trial:not([data-answer])");
    return performance.now() > Number(trial.dataset.painted) + ms;
}"""


def only(site: Site, slug: str) -> Stored:
    """Return the one response of a study, as soon as it is there."""
    site.wait_for_answers(slug, 1)
    [row] = site.responses(slug)
    return row


def expect_covered_at(ms: float, row: Stored, annotator: Annotator) -> None:
    """To the frame, whenever the browser came to paint one."""
    masked = row.timing["masked_ms"]
    frames = [frame - row.timing["painted_at"] for frame in annotator.frames()]
    shortest = min(later - earlier for earlier, later in pairwise(frames) if later > -0.2 and later < masked - 0.2)
    assert any(abs(frame - masked) < 0.2 for frame in frames)
    assert masked > ms - 1.5 * shortest - 0.2
    assert len([frame for frame in frames if ms < frame < masked - 0.2]) <= 1


@pytest.fixture
def rating(new_annotator: NewAnnotator) -> Annotator:
    """An annotator who is asked how sure they are, in front of a trial."""
    annotator = new_annotator(protocol=protocol(ties="equal_and_both_bad", confidence=3))
    annotator.start()
    return annotator


def test_equally_good_and_both_bad_are_answers_of_their_own(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(protocol=protocol(ties="equal_and_both_bad"))
    annotator.start()
    annotator.answer("equal", "both_bad")
    for key in ("3", "4", "ArrowUp", "ArrowDown"):
        annotator.ready()
        annotator.page.keyboard.press(key)
    annotator.expect_done()
    given = [row.given for row in site.responses(annotator.slug)]
    assert given == ["equal", "both_bad", "equal", "both_bad", "equal", "both_bad"]


def test_one_click_answers_with_a_rating(rating: Annotator, site: Site) -> None:
    rating.press("Right map: very")
    row = only(site, rating.slug)
    assert (row.given, row.confidence) == ("right", 3)
    assert "selected_ms" not in row.timing


def test_ties_are_rated_too(rating: Annotator, site: Site) -> None:
    rating.press("Both bad: hardly")
    row = only(site, rating.slug)
    assert (row.given, row.confidence) == ("both_bad", 1)


def test_an_arrow_key_and_a_number_answer_with_a_rating(rating: Annotator, site: Site) -> None:
    told = rating.page.locator("#told")
    rating.page.keyboard.press("2")
    expect(told).to_have_text("First choose with an arrow key, then say how sure you are.")
    rating.page.keyboard.press("ArrowRight")
    expect(rating.option("right")).to_have_attribute("aria-pressed", "true")
    rating.page.keyboard.press("ArrowLeft")
    expect(rating.option("right")).to_have_attribute("aria-pressed", "false")
    expect(told).to_have_text("Left map: How sure are you?")
    rating.page.keyboard.press("2")
    row = only(site, rating.slug)
    assert (row.given, row.confidence) == ("left", 2)
    assert 0 < row.timing["selected_ms"] <= row.rt_ms
    rating.ready()
    expect(told).to_have_text("")


def test_a_click_on_a_map_alone_is_no_answer_where_a_rating_is_asked_for(rating: Annotator, site: Site) -> None:
    rating.option("left").click()
    expect(rating.option("left")).to_have_attribute("aria-pressed", "true")
    rating.page.wait_for_timeout(300)
    assert site.answers(rating.slug) == []
    rating.press("Left map: rather")
    assert only(site, rating.slug).confidence == 2


def test_five_points_are_numbers_with_words_at_their_ends(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(protocol=protocol(confidence=5))
    annotator.start()
    expect(annotator.page.get_by_text("unsure", exact=True).first).to_be_visible()
    annotator.press("Left map: 5 of 5")
    assert only(site, annotator.slug).confidence == 5


def test_a_reason_goes_with_the_answer_and_its_keys_answer_nothing(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(protocol=protocol(reason="optional", undo=True))
    annotator.start()
    annotator.press("Add a reason")
    field = annotator.page.get_by_label("Your reason (optional), before you answer")
    expect(field).to_be_focused()
    annotator.page.keyboard.type("It shows 1 or 2 <i>flowers</i>, u know")
    annotator.option("left").click()
    assert only(site, annotator.slug).reason == "It shows 1 or 2 <i>flowers</i>, u know"
    annotator.ready()
    expect(field).to_have_value("")


def test_maps_are_covered_after_their_time_and_can_still_be_answered(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(protocol=protocol(show_for_ms=300))
    annotator.note_frames()
    annotator.start()
    expect(annotator.option("left").locator("img")).to_be_hidden()
    expect(annotator.page.get_by_alt_text("The picture that the network was shown")).to_be_visible()
    annotator.answer("right")
    row = only(site, annotator.slug)
    assert row.given == "right"
    expect_covered_at(300, row, annotator)


def test_a_frame_that_comes_late_does_not_cover_the_maps_early(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(protocol=protocol(show_for_ms=300))
    annotator.note_frames()
    annotator.page.add_init_script(BE_BUSY_AT_FIRST)
    annotator.start()
    expect(annotator.option("left").locator("img")).to_be_hidden()
    annotator.answer("right")
    expect_covered_at(300, only(site, annotator.slug), annotator)


def test_an_answer_before_its_time_is_not_taken_and_a_calm_word_says_so(
    new_annotator: NewAnnotator, site: Site
) -> None:
    annotator = new_annotator(protocol=protocol(least_ms=2500))
    annotator.page.add_init_script(PRESS_1_EARLY)
    annotator.start()
    expect(annotator.page.locator("#told")).to_have_text("Please look at the maps a little longer, and then answer.")
    annotator.page.wait_for_function(HAS_TIME_PASSED, arg=2500)
    annotator.page.keyboard.press("2")
    row = only(site, annotator.slug)
    assert (row.given, row.timing["early"]) == ("right", 1)
    assert row.rt_ms >= 2500


def test_a_trial_says_how_much_time_there_is(new_annotator: NewAnnotator) -> None:
    annotator = new_annotator(protocol=protocol(most_ms=60_000))
    annotator.start()
    expect(annotator.page.get_by_text("Time for each trial: 60 seconds")).to_be_visible()


def test_a_trial_that_runs_out_of_time_is_over_and_the_next_waits(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(protocol=protocol(most_ms=2000, undo=True))
    annotator.note_frames()
    annotator.open()
    expect(annotator.page.get_by_role("heading", name="The time for this trial was up")).to_be_focused()
    row = only(site, annotator.slug)
    assert row.given == "timeout"
    longest = max(later - earlier for earlier, later in pairwise(annotator.frames()))
    assert 2000 <= row.rt_ms < 2500 + longest
    # Nothing passes by while nobody is there.
    annotator.page.wait_for_timeout(2300)
    assert len(site.answers(annotator.slug)) == 1
    expect(annotator.page.locator("#undo")).to_be_hidden()
    annotator.page.evaluate(GO_ON_AND_ANSWER_LEFT)
    assert [given for _, _, given in site.wait_for_answers(annotator.slug, 2)] == ["timeout", "left"]


def test_a_break_comes_every_few_trials_and_says_how_far_one_is(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(protocol=protocol(break_every=2))
    annotator.start()
    annotator.answer("left", "right")
    heading = annotator.page.get_by_role("heading", name="Time for a short break")
    expect(heading).to_be_focused()
    expect(annotator.page.get_by_text("You have answered 2 of 6 trials.")).to_be_visible()
    annotator.press("Go on")
    annotator.answer("left", "right")
    expect(heading).to_be_visible()
    annotator.page.reload()
    annotator.answer("left", "right")
    annotator.expect_done()
    gaps = [row.timing["gap_ms"] for row in site.responses(annotator.slug)]
    assert [gap is None for gap in gaps] == [True, False, True, False, True, False]


def test_undo_works_from_a_break(new_annotator: NewAnnotator, site: Site) -> None:
    annotator = new_annotator(protocol=protocol(break_every=2, undo=True))
    annotator.start()
    annotator.answer("left", "right")
    expect(annotator.page.get_by_role("heading", name="Time for a short break")).to_be_visible()
    annotator.page.get_by_role("button", name="Undo").click()
    annotator.answer("neither")
    annotator.answer("left")
    assert site.wait_for_answers(annotator.slug, 4) == [
        (1, 1, "left"),
        (2, 1, "right"),
        (2, 2, "neither"),
        (3, 1, "left"),
    ]


def test_sliders_show_the_picture_under_both_maps_and_what_was_done_is_noted(
    new_annotator: NewAnnotator, site: Site
) -> None:
    annotator = new_annotator(protocol=protocol(overlay_controls=True))
    annotator.start()
    page = annotator.page
    expect(page.get_by_label("Left to right")).to_be_hidden()
    page.get_by_label("Map opacity").press("ArrowLeft")
    page.get_by_label("Zoom").press("End")
    expect(page.get_by_label("Left to right")).to_be_visible()
    for side in ("left", "right"):
        shown = page.locator(f"[data-choice={side}] .map").evaluate(
            "map => [getComputedStyle(map).opacity, getComputedStyle(map).transform]"
        )
        assert shown == ["0.95", "matrix(4, 0, 0, 4, 0, 0)"]
    assert site.answers(annotator.slug) == []
    annotator.answer("left")
    annotator.ready()
    expect(page.get_by_label("Zoom")).to_have_value("1")
    uses = only(site, annotator.slug).timing["view"]
    assert [(use["control"], use["value"]) for use in uses] == [("strength", 95), ("zoom", 4)]
    assert 0 < uses[0]["ms"] <= uses[1]["ms"]
