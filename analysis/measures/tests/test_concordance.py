"""Permutations of gains: uniform within conditions, joint where conditions share images."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from analysis.measures.concordance import concordance, permuted_concordance

ZEROS = np.zeros(3, dtype=np.int64)


def test_concordant_pairs_are_counted_from_both_sides() -> None:
    gain = np.array([0.0, 1.0, 1.0, 2.0])
    finetuned, original = np.array([1, 2, 0, 1]), np.array([1, 0, 3, 1])
    below, above, pairs = concordance(gain, finetuned, original, np.zeros(4, dtype=np.int64))
    assert below.tolist() == [0.5, 2.5, 2.5, 4.5]
    assert above.tolist() == [3.5, 2.0, 2.0, 0.5]
    assert below @ finetuned == above @ original
    assert pairs == 20


def test_all_exchanges_of_three_images_are_equally_frequent() -> None:
    gain = np.array([1.0, 2.0, 4.0])
    finetuned, original = np.array([3, 1, 0]), np.array([0, 1, 5])
    exact: Counter[float] = Counter()
    for order in permutations(range(3)):
        places = list(order)
        below, _, _ = concordance(gain, finetuned[places], original[places], ZEROS)
        exact[float(below @ finetuned[places])] += 1
    drawn = permuted_concordance(gain, finetuned, original, ZEROS, ZEROS, np.arange(3), permutations=6000, seed=1)
    seen = Counter(drawn.tolist())
    assert set(seen) == set(exact)
    for value, number in exact.items():
        assert seen[value] / 6000 == pytest.approx(number / 6, abs=0.03)


def test_conditions_with_the_same_images_move_as_one() -> None:
    # Two conditions that are copies of each other stay copies: the sum is twice that of one.
    gain = np.array([1.0, 2.0, 4.0])
    finetuned, original = np.array([3, 1, 0]), np.array([0, 1, 5])
    twice = np.array([0, 0, 0, 1, 1, 1])
    both = permuted_concordance(
        np.tile(gain, 2),
        np.tile(finetuned, 2),
        np.tile(original, 2),
        twice,
        twice,
        np.tile(np.arange(3), 2),
        permutations=200,
        seed=3,
    )
    one = permuted_concordance(gain, finetuned, original, ZEROS, ZEROS, np.arange(3), permutations=200, seed=3)
    assert both.tolist() == (2 * one).tolist()


def test_gains_never_leave_their_condition() -> None:
    # Within each condition all gains are equal, so no exchange can change the pooled statistic.
    condition = np.array([0, 0, 0, 1, 1, 1])
    gain = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
    finetuned, original = np.array([0, 1, 0, 4, 2, 1]), np.array([3, 2, 2, 0, 1, 0])
    drawn = permuted_concordance(
        gain, finetuned, original, np.zeros(6, dtype=np.int64), condition, np.arange(6), permutations=50, seed=0
    )
    assert np.unique(drawn).size == 1
