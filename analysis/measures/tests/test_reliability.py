"""Properties that all coefficients of agreement share."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.measures import MEASURES
from analysis.measures.judgements import judgements_from_frame
from analysis.measures.tests.frames import Vote, frame_of, judgements_of, random_votes
from analysis.measures.votes import vote_table

COEFFICIENTS = ["percent_agreement", "gwet_ac1", "fleiss_kappa", "alpha_nominal", "alpha_ordinal"]
WITHIN = ["gwet_ac1_within", "fleiss_kappa_within", "alpha_nominal_within", "alpha_ordinal_within"]


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_full_agreement_is_one(name: str) -> None:
    votes = [(f"i{image}", f"A{annotator}", image % 3 - 1) for image in range(9) for annotator in range(3)]
    assert MEASURES[name].compute(judgements_of(votes), 0).value == pytest.approx(1)


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_one_annotator_leaves_it_undefined(name: str) -> None:
    estimate = MEASURES[name].compute(judgements_of(random_votes(0, annotators=1)), 0)
    assert (estimate.value, estimate.reason) == (None, "no trial has answers of two annotators")


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_one_image_has_no_interval(name: str) -> None:
    estimate = MEASURES[name].compute(judgements_of([("a", "A1", 1), ("a", "A2", 0), ("a", "A3", 1)]), 0)
    assert estimate.value is not None
    assert estimate.reason == "no interval: needs at least two images"


@pytest.mark.parametrize(("pooled", "within"), [(name.removesuffix("_within"), name) for name in WITHIN])
def test_within_conditions_equals_pooled_for_one_condition(pooled: str, within: str) -> None:
    judgements = judgements_of(random_votes(4, missing=0.3))
    here, there = (MEASURES[name].compute(judgements, 5) for name in (pooled, within))
    assert (here.value, here.low, here.high) == (there.value, there.low, there.high)


@pytest.mark.parametrize(("pooled", "within"), [(name.removesuffix("_within"), name) for name in WITHIN])
def test_conditions_that_differ_make_agreement_only_when_pooled(pooled: str, within: str) -> None:
    generator = np.random.default_rng(1)
    frames = []
    for attributor, shares in (("liked", [0.05, 0.1, 0.85]), ("disliked", [0.85, 0.1, 0.05])):
        votes = [
            (f"i{image:02d}", f"A{annotator}", int(generator.choice([-1, 0, 1], p=shares)))
            for image in range(60)
            for annotator in range(4)
        ]
        frames.append(frame_of(votes, attributor=attributor))
    judgements = judgements_from_frame(pd.concat(frames))
    here, there = (MEASURES[name].compute(judgements, 0).value for name in (pooled, within))
    assert here is not None
    assert there is not None
    assert here > 0.4
    if "ac1" not in within:
        assert abs(there) < 0.1


def test_the_interval_is_that_of_the_plain_image_bootstrap() -> None:
    votes = random_votes(2, images=40, missing=0.2)
    judgements = judgements_of(votes)
    counts = vote_table(judgements).counts
    total = counts.sum(axis=1)
    agreement = (counts * (counts - 1)).sum(axis=1) / np.maximum(total * (total - 1), 1)
    generator = np.random.default_rng(0)
    means = []
    for _ in range(4000):
        drawn = generator.integers(0, total.size, total.size)
        paired = total[drawn] >= 2
        means.append(agreement[drawn][paired].mean())
    estimate = MEASURES["percent_agreement"].compute(judgements, 3)
    assert (estimate.low, estimate.high) == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.012)


grid = st.lists(st.sampled_from([-1, 0, 1, None]), min_size=24, max_size=24).map(
    lambda choices: [
        (f"i{place // 4}", f"A{place % 4}", choice) for place, choice in enumerate(choices) if choice is not None
    ]
)


@settings(max_examples=25, deadline=None)
@given(grid.filter(bool))
def test_swapping_original_and_finetuned_changes_no_coefficient(votes: list[Vote]) -> None:
    swapped = [(image, annotator, -vote) for image, annotator, vote in votes]
    for name in COEFFICIENTS:
        here, there = (MEASURES[name].compute(judgements_of(rows), 0) for rows in (votes, swapped))
        assert here.value == (None if there.value is None else pytest.approx(there.value))
        assert here.reason == there.reason or "resamples" in str(here.reason) + str(there.reason)
