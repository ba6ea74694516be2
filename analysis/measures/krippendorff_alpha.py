"""Krippendorff's alpha, nominal and ordinal (original < neither < finetuned)."""

from collections.abc import Callable

import numpy as np

from analysis.measures.estimates import Estimate
from analysis.measures.judgements import Floats, Judgements
from analysis.measures.votes import INTERVAL, VoteSums, coefficient_estimate, ratio

_FORMULA = "1 - observed / expected disagreement among the answers to trials with at least two of them"
NOMINAL_DEFINITION = f"{_FORMULA}; any two different answers disagree equally. {INTERVAL}"
ORDINAL_DEFINITION = (
    f"{_FORMULA}; answers are ordered original < neither < finetuned and disagree by the squared number of answers "
    f"that lie between them. {INTERVAL}"
)
_WITHIN = "Expected disagreement is taken inside each condition and both are added up over conditions"
NOMINAL_WITHIN_DEFINITION = f"{_FORMULA}; any two different answers disagree equally. {_WITHIN}. {INTERVAL}"
ORDINAL_WITHIN_DEFINITION = (
    f"{_FORMULA}, ordered original < neither < finetuned. {_WITHIN}, with the distances between answers taken from all "
    f"of them. {INTERVAL}"
)
SOURCE = "Krippendorff 2011"
DEGENERATE = "all answers are the same, so no disagreement is expected"


def nominal_alpha(sums: VoteSums) -> Floats:
    """delta = 1 for each pair of different answers."""
    return _alpha(sums, np.ones(3))


def ordinal_alpha(sums: VoteSums) -> Floats:
    """delta_ck = (sum_{g=c..k} n_g - (n_c + n_k) / 2)^2 with n_g over all strata, so that strata share one scale."""
    original, neither, finetuned = np.moveaxis(sums.answers.sum(axis=-2), -1, 0)
    total = np.maximum(original + neither + finetuned, 1.0)
    steps = np.stack(
        [(original + neither) / 2, original / 2 + neither + finetuned / 2, (neither + finetuned) / 2], axis=-1
    )
    return _alpha(sums, ((steps / total[..., None]) ** 2)[..., None, :])


def alpha_nominal(judgements: Judgements, seed: int) -> Estimate:
    """Nominal alpha with all trials in one table."""
    return _estimate(judgements, nominal_alpha, seed, within=False, definition=NOMINAL_DEFINITION)


def alpha_nominal_within(judgements: Judgements, seed: int) -> Estimate:
    """Nominal alpha stratified by condition."""
    return _estimate(judgements, nominal_alpha, seed, within=True, definition=NOMINAL_WITHIN_DEFINITION)


def alpha_ordinal(judgements: Judgements, seed: int) -> Estimate:
    """Ordinal alpha with all trials in one table."""
    return _estimate(judgements, ordinal_alpha, seed, within=False, definition=ORDINAL_DEFINITION)


def alpha_ordinal_within(judgements: Judgements, seed: int) -> Estimate:
    """Ordinal alpha stratified by condition."""
    return _estimate(judgements, ordinal_alpha, seed, within=True, definition=ORDINAL_WITHIN_DEFINITION)


def _alpha(sums: VoteSums, distances: Floats) -> Floats:
    """1 - sum_s n_s Do_s / sum_s n_s De_s, with `distances` [..., 3] in the order of `VoteSums.mixed`."""
    original, neither, finetuned = np.moveaxis(sums.answers, -1, 0)
    total = original + neither + finetuned
    expected_pairs = np.stack([original * neither, original * finetuned, neither * finetuned], axis=-1)
    observed = (sums.mixed * distances).sum(axis=(-2, -1))
    expected = (expected_pairs * distances / np.maximum(total - 1, 1.0)[..., None]).sum(axis=(-2, -1))
    return 1 - ratio(observed, expected)


def _estimate(
    judgements: Judgements, coefficient: Callable[[VoteSums], Floats], seed: int, *, within: bool, definition: str
) -> Estimate:
    return coefficient_estimate(
        judgements, coefficient, within=within, degenerate=DEGENERATE, definition=definition, seed=seed
    )
