"""Votes per trial, and the image bootstrap of every coefficient that is a function of their sums."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.measures.estimates import CONFIDENCE, Estimate, undefined, without_interval
from analysis.measures.judgements import CHOICES, Floats, Ints, Judgements

RESAMPLES: Final = 1000
LEAST_DEFINED: Final = 0.95
INTERVAL = (
    "Interval: 95 % of the values over 1,000 resamples of the images, the annotators being kept (n: trials with at "
    "least two answers)."
)
NO_PAIRS = "no trial has answers of two annotators"


@dataclass(frozen=True, slots=True)
class VoteTable:
    """`counts` is [trials, 3]: how many chose original, neither, finetuned; `image` and `condition` are [trials]."""

    counts: Ints
    image: Ints
    condition: Ints


@dataclass(frozen=True, slots=True)
class VoteSums:
    """Sums over trials, per stratum: each array is [..., strata] or [..., strata, k].

    `trials` counts all trials and `paired` those with at least two answers (m >= 2). Over all trials: `mean_shares`
    sums n_k / m. Over the paired ones: `agreement` sums the share of agreeing pairs, sum_k n_k (n_k - 1) / (m (m - 1));
    `answers` sums n_k; `mixed` sums n_c n_k / (m - 1) for the pairs (original, neither), (original, finetuned) and
    (neither, finetuned).
    """

    trials: Floats
    paired: Floats
    agreement: Floats
    mean_shares: Floats
    answers: Floats
    mixed: Floats


Coefficient = Callable[[VoteSums], Floats]
"""From sums over [..., strata] to values [...], NaN where undefined."""


def vote_table(judgements: Judgements) -> VoteTable:
    """The votes of each trial, in the order of the trial codes."""
    trials = int(judgements.trial.max()) + 1 if judgements.n else 0
    counts = np.bincount(judgements.trial * 3 + judgements.choice + 1, minlength=3 * trials).reshape(
        trials, len(CHOICES)
    )
    image = np.zeros(trials, dtype=np.int64)
    condition = np.zeros(trials, dtype=np.int64)
    image[judgements.trial] = judgements.image
    condition[judgements.trial] = judgements.condition
    return VoteTable(counts.astype(np.int64), image, condition)


def coefficient_estimate(
    judgements: Judgements,
    coefficient: Coefficient,
    *,
    within: bool,
    degenerate: str,
    definition: str,
    seed: int,
    resamples: int = RESAMPLES,
) -> Estimate:
    """A reliability coefficient with its image-bootstrap interval.

    With `within`, chance agreement is judged inside each condition and added up over them (stratified); otherwise all
    trials form one stratum. `degenerate` is the reason given where the coefficient is not defined. The resamples
    are drawn over the distinct vote patterns of the images: same distribution, far fewer draws.
    """
    table = vote_table(judgements)
    paired = int(np.count_nonzero(table.counts.sum(axis=1) >= 2))
    if paired == 0:
        return undefined(NO_PAIRS, n=0, definition=definition)
    by_image = _features_by_image(table, within=within)
    value = float(coefficient(_as_sums(by_image.sum(axis=0))))
    if np.isnan(value):
        return undefined(degenerate, n=paired, definition=definition)
    images = by_image.shape[0]
    if images < 2:
        return without_interval(value, "no interval: needs at least two images", n=paired, definition=definition)
    patterns, sizes = np.unique(by_image.reshape(images, -1), axis=0, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(images, sizes / images, size=resamples)
    sums = (draws.astype(np.float64) @ patterns).reshape(resamples, *by_image.shape[1:])
    values = coefficient(_as_sums(sums))
    defined = values[~np.isnan(values)]
    if defined.size < LEAST_DEFINED * resamples:
        reason = f"no interval: undefined in {resamples - defined.size} of {resamples} resamples of the images"
        return without_interval(value, reason, n=paired, definition=definition)
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(
        value=value,
        low=float(low),
        high=float(high),
        se=float(defined.std(ddof=1)),
        n=paired,
        reason=None,
        definition=definition,
    )


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """numerator / denominator, NaN where the denominator is 0 (to rounding)."""
    safe = np.where(denominator > 1e-12, denominator, 1.0)
    return np.where(denominator > 1e-12, numerator / safe, np.nan)


def share_or_zero(part: Floats, whole: Floats) -> Floats:
    """part / whole, 0 for an empty stratum, which then adds nothing to a sum over strata."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), 0.0)


def _features_by_image(table: VoteTable, *, within: bool) -> Floats:
    """[images, strata, 12]: the terms of VoteSums, summed over the trials of each image in each stratum."""
    counts = table.counts.astype(np.float64)
    total = counts.sum(axis=1)
    paired = total >= 2
    others = np.where(paired, total - 1, 1.0)
    original, neither, finetuned = counts.T
    columns = [
        np.ones_like(total),
        paired.astype(np.float64),
        np.where(paired, (counts * (counts - 1)).sum(axis=1) / (total * others), 0.0),
        *(counts / total[:, None]).T,
        *np.where(paired, counts.T, 0.0),
        *(
            np.where(paired, pair / others, 0.0)
            for pair in (original * neither, original * finetuned, neither * finetuned)
        ),
    ]
    stratum = table.condition if within else np.zeros_like(table.condition)
    images, strata = int(table.image.max()) + 1, int(stratum.max()) + 1
    cell = table.image * strata + stratum
    sums = [np.bincount(cell, weights=column, minlength=images * strata) for column in columns]
    features: Floats = np.stack(sums, axis=-1).astype(np.float64)
    return features.reshape(images, strata, len(columns))


def _as_sums(features: Floats) -> VoteSums:
    return VoteSums(
        trials=features[..., 0],
        paired=features[..., 1],
        agreement=features[..., 2],
        mean_shares=features[..., 3:6],
        answers=features[..., 6:9],
        mixed=features[..., 9:12],
    )
