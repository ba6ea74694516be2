"""Pairs of decisive answers: does the larger metric gain go with the choice of the finetuned map?"""

import numpy as np
from scipy.stats import rankdata

from analysis.measures.judgements import Floats, Ints


def concordance(gain: Floats, finetuned: Ints, original: Ints, stratum: Ints) -> tuple[Floats, Floats, float]:
    """Concordant pairs by trial, seen from either side, and the number of pairs.

    All arguments are [trials]: the gain, the votes for the finetuned and for the original map, and the stratum code;
    a pair is one vote for finetuned and one for original in the same stratum, and it is concordant (1) where the first
    has the larger gain, half where the gains are equal.

    Returns `below` [trials]: for one vote for the finetuned map of this trial, the concordant pairs that it makes;
    `above` [trials]: the same for one vote for the original map; and the number of pairs over all strata.
    """
    below = np.zeros(gain.size)
    above = np.zeros(gain.size)
    pairs = 0.0
    for code in np.unique(stratum):
        rows = np.flatnonzero(stratum == code)
        votes_for = finetuned[rows].astype(np.float64)
        votes_against = original[rows].astype(np.float64)
        level = rankdata(gain[rows], method="dense").astype(np.int64) - 1
        against = np.bincount(level, weights=votes_against)
        in_favour = np.bincount(level, weights=votes_for)
        below[rows] = (np.cumsum(against) - against / 2)[level]
        above[rows] = (in_favour.sum() - np.cumsum(in_favour) + in_favour / 2)[level]
        pairs += float(votes_for.sum() * votes_against.sum())
    return below, above, pairs


def permuted_concordance(
    gain: Floats,
    finetuned: Ints,
    original: Ints,
    stratum: Ints,
    condition: Ints,
    image: Ints,
    *,
    permutations: int,
    seed: int,
) -> Floats:
    """The number of concordant pairs after each of `permutations` random exchanges of gains between images.

    Gains change places only between the trials of one condition, and the votes of a trial stay together. One random
    order of the images serves all conditions, so where conditions show the same images their gains move as one:
    what ties an image's trials together across conditions is kept. All arrays are [trials]; returns [permutations].
    """
    generator = np.random.default_rng(seed)
    images = int(image.max()) + 1
    groups = [rows[np.argsort(image[rows], kind="stable")] for rows in _rows_by(condition)]
    plans = [_StratumPlan(gain, rows) for rows in _rows_by(stratum)]
    chunk = max(1, 2_000_000 // max(gain.size, images))
    results: list[Floats] = []
    for start in range(0, permutations, chunk):
        size = min(chunk, permutations - start)
        keys = generator.random((size, images))
        source = np.empty((size, gain.size), dtype=np.int64)
        for rows in groups:
            source[:, rows] = rows[np.argsort(keys[:, image[rows]], axis=1)]
        results.append(sum((plan.concordant(finetuned[source], original[source]) for plan in plans), np.zeros(size)))
    return np.concatenate(results) if results else np.zeros(0)


class _StratumPlan:
    """The trials of one stratum in the order of their gain, with the places where the gain changes."""

    def __init__(self, gain: Floats, rows: Ints) -> None:
        order = np.argsort(gain[rows], kind="stable")
        self.rows = rows[order]
        self.starts = np.flatnonzero(np.diff(gain[self.rows], prepend=-np.inf) != 0)

    def concordant(self, finetuned: Ints, original: Ints) -> Floats:
        """[permutations, trials] votes -> [permutations] concordant pairs of this stratum."""
        in_favour = np.add.reduceat(finetuned[:, self.rows], self.starts, axis=1)
        against = np.add.reduceat(original[:, self.rows], self.starts, axis=1)
        below = np.cumsum(against, axis=1) - against / 2
        concordant: Floats = (in_favour * below).sum(axis=1)
        return concordant


def _rows_by(codes: Ints) -> list[Ints]:
    return [np.flatnonzero(codes == code) for code in np.unique(codes)]
