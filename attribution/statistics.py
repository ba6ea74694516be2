"""Intervals for before/after scores."""

from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000


@dataclass(frozen=True)
class PairedDifference:
    """Means before and after over the `n` images where both are defined, their difference and its 95 % interval.

    `undefined` images had no score before or after; with `n` = 0 every number is None, with `n` = 1 the interval is:
    a single image says nothing of others.
    """

    n: int
    undefined: int
    before: float | None
    after: float | None
    difference: float | None
    low: float | None
    high: float | None


def paired_difference(before: np.ndarray, after: np.ndarray, *, seed: int) -> PairedDifference:
    """Mean difference of paired scores [N] with a percentile bootstrap over images (Efron 1979)."""
    defined = ~(np.isnan(before) | np.isnan(after))
    undefined = int((~defined).sum())
    if not defined.any():
        return PairedDifference(0, undefined, None, None, None, None, None)
    change = (after - before)[defined]
    n = len(change)
    before_mean, after_mean = float(before[defined].mean()), float(after[defined].mean())
    if n == 1:
        return PairedDifference(n, undefined, before_mean, after_mean, float(change[0]), None, None)
    rng = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    rows = max(1, min(500, 2**24 // n))  # bounds the memory; up to 33,554 images the resamples do not depend on it
    for start in range(0, RESAMPLES, rows):
        drawn = rng.integers(0, n, size=(min(rows, RESAMPLES - start), n))
        means[start : start + rows] = change[drawn].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return PairedDifference(
        n,
        undefined,
        before_mean,
        after_mean,
        float(change.mean()),
        float(low),
        float(high),
    )
