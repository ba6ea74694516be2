"""Net preference against a plain reference, on hand-checkable and degenerate data, and its coverage."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from analysis.measures.judgements import judgements_from_frame
from analysis.measures.net_preference import net_preference
from analysis.measures.tests.frames import Vote, frame_of, judgements_of, random_frame, random_votes

CELLS = [(f"i{image}", f"A{annotator}") for image in range(5) for annotator in range(4)]
votes_of_a_grid = st.lists(st.sampled_from([-1, 0, 1, None]), min_size=20, max_size=20).map(
    lambda choices: [(*cell, choice) for cell, choice in zip(CELLS, choices, strict=True) if choice is not None]
)


def plain_two_way_se(votes: list[Vote]) -> float:
    """Loops over the formula of Cameron, Gelbach and Miller."""
    total = len(votes)
    mean = sum(vote for _, _, vote in votes) / total

    def variance(keys: list[str]) -> float:
        groups = sorted(set(keys))
        sums = []
        for group in groups:
            sums.append(sum((vote[2] - mean) / total for vote, key in zip(votes, keys, strict=True) if key == group))
        return len(groups) / (len(groups) - 1) * sum(part**2 for part in sums)

    examples = variance([image for image, _, _ in votes])
    annotators = variance([annotator for _, annotator, _ in votes])
    iid = variance([f"{image}|{annotator}" for image, annotator, _ in votes])
    both = examples + annotators - iid
    return float(np.sqrt(both if both > 0 else max(examples, annotators)))


@pytest.mark.parametrize("seed", range(5))
def test_it_equals_a_plain_reference(seed: int) -> None:
    votes = random_votes(seed, images=12, annotators=4, missing=0.3)
    estimate = net_preference(judgements_of(votes), 0)
    value = sum(vote for _, _, vote in votes) / len(votes)
    margin = float(student.ppf(0.975, 3)) * plain_two_way_se(votes)
    assert estimate.value == pytest.approx(value)
    assert estimate.se == pytest.approx(plain_two_way_se(votes))
    assert (estimate.low, estimate.high) == pytest.approx((max(-1, value - margin), min(1, value + margin)))


def test_two_by_two_can_be_checked_by_hand() -> None:
    # d = [[1, 0], [1, -1]] (images x annotators), mean 1/4; psi = (d - 1/4) / 4 = [[3, -1], [3, -5]] / 16.
    # Images: sums 2, -2, so 2 x 8 / 256; annotators: 6, -6, so 2 x 72 / 256; cells: 4/3 x 44 / 256.
    votes = [("a", "A1", 1), ("a", "A2", 0), ("b", "A1", 1), ("b", "A2", -1)]
    estimate = net_preference(judgements_of(votes), 0)
    assert estimate.value == 0.25
    assert estimate.se == pytest.approx(np.sqrt((16 + 144 - 176 / 3) / 256))
    assert (estimate.low, estimate.high) == (-1, 1)


def test_where_the_two_way_variance_is_not_positive_the_larger_one_counts() -> None:
    # Every image and every annotator has mean 0: only the cells vary.
    votes = [("a", "A1", 1), ("a", "A2", -1), ("b", "A1", -1), ("b", "A2", 1), ("c", "A1", 1), ("c", "A2", 0)]
    estimate = net_preference(judgements_of(votes), 0)
    assert estimate.se == pytest.approx(plain_two_way_se(votes))
    assert estimate.se is not None
    assert estimate.se > 0


def test_one_annotator_has_a_value_and_no_interval() -> None:
    estimate = net_preference(judgements_of([("a", "A1", 1), ("b", "A1", 0)]), 0)
    assert (estimate.value, estimate.low, estimate.se) == (0.5, None, None)
    assert estimate.reason == "no interval: needs at least two annotators"


def test_one_image_has_a_value_and_no_interval() -> None:
    estimate = net_preference(judgements_of([("a", "A1", 1), ("a", "A2", 0)]), 0)
    assert (estimate.value, estimate.reason) == (0.5, "no interval: needs at least two images")


def test_all_neither_is_zero_without_an_interval() -> None:
    estimate = net_preference(judgements_of(random_votes(0, shares=(0, 1, 0))), 0)
    assert (estimate.value, estimate.low) == (0, None)
    assert estimate.reason == "no interval: the answers do not vary between images or annotators"


def test_no_answers_are_undefined() -> None:
    judgements = judgements_of([("a", "A1", 1)])
    assert net_preference(judgements.where(judgements.choice == 0), 0).reason == "no answers"


@settings(max_examples=40, deadline=None)
@given(votes_of_a_grid.filter(lambda votes: len(votes) > 1))
def test_swapping_original_and_finetuned_flips_the_sign(votes: list[Vote]) -> None:
    here = net_preference(judgements_of(votes), 0)
    there = net_preference(judgements_of([(image, annotator, -vote) for image, annotator, vote in votes]), 0)
    assert here.value is not None
    assert there.value == pytest.approx(-here.value)
    assert there.se == (None if here.se is None else pytest.approx(here.se))
    if here.low is not None and here.high is not None:
        assert (there.low, there.high) == pytest.approx((-here.high, -here.low))


@settings(max_examples=40, deadline=None)
@given(votes_of_a_grid.filter(bool), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(votes: list[Vote], random: Random) -> None:
    shuffled = list(votes)
    random.shuffle(shuffled)
    here, there = (net_preference(judgements_from_frame(frame_of(rows)), 0) for rows in (votes, shuffled))
    assert here.value == pytest.approx(there.value)
    assert here.se == (None if there.se is None else pytest.approx(there.se))


def test_images_that_recur_across_conditions_are_one_cluster() -> None:
    judgements = judgements_from_frame(random_frame(3))
    pooled = net_preference(judgements, 0)
    psi = (judgements.choice - judgements.choice.mean()) / judgements.n
    by_image = np.bincount(judgements.image, weights=psi)
    by_annotator = np.bincount(judgements.annotator, weights=psi)
    by_cell = np.bincount(judgements.image * 4 + judgements.annotator, weights=psi)
    cells = np.unique(judgements.image * 4 + judgements.annotator).size
    variance = (
        20 / 19 * by_image @ by_image + 4 / 3 * by_annotator @ by_annotator - cells / (cells - 1) * by_cell @ by_cell
    )
    assert pooled.se == pytest.approx(np.sqrt(variance))


def test_the_two_way_interval_covers_and_the_label_interval_fails() -> None:
    generator = np.random.default_rng(7)
    images, annotators, truth, rounds = 60, 5, 0.0, 400
    image, annotator = (index.ravel() for index in np.indices((images, annotators)))
    template = judgements_of([(f"i{i:02d}", f"A{a}", 0) for i, a in zip(image, annotator, strict=True)])
    two_way = label = 0
    for _ in range(rounds):
        lean = generator.normal(0, 0.5, images)[image] + generator.normal(0, 0.5, annotators)[annotator]
        noise = generator.normal(0, 1, image.size)
        choice = np.select([lean + noise > 0.5, lean + noise < -0.5], [1, -1], 0)
        object.__setattr__(template, "choice", choice)
        estimate = net_preference(template, 0)
        assert estimate.value is not None
        assert estimate.low is not None
        assert estimate.high is not None
        two_way += estimate.low <= truth <= estimate.high
        label += abs(estimate.value - truth) <= 1.96 * choice.std() / np.sqrt(choice.size)
    assert 0.92 <= two_way / rounds <= 0.985
    assert label / rounds < 0.6
