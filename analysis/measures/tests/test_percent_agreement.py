"""Percent agreement by hand."""

import pytest

from analysis.measures.percent_agreement import percent_agreement
from analysis.measures.tests.frames import judgements_of


def test_pairs_are_averaged_within_trials_and_then_over_them() -> None:
    votes = [("a", "A1", 1), ("a", "A2", 1), ("a", "A3", 0), ("b", "A1", 0), ("b", "A2", 0), ("c", "A1", 1)]
    estimate = percent_agreement(judgements_of(votes), 0)
    assert estimate.value == pytest.approx((1 / 3 + 1) / 2)
    assert estimate.n == 2
