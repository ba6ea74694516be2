"""Agreement of the metric with people, per image: does the map that gained more on the metric win more votes?"""

from typing import Final

import numpy as np

from analysis.measures.clusters import two_way_estimate
from analysis.measures.concordance import concordance, permuted_concordance
from analysis.measures.estimates import Estimate, undefined, with_p
from analysis.measures.judgements import DIFFERENT_METRICS, Floats, Ints, Judgements
from analysis.measures.votes import vote_table

PERMUTATIONS: Final = 1999
_COMMON = (
    "Metric gain = (score finetuned - score original) x direction. The AUC is the chance that a decisive answer for "
    "the finetuned map belongs to a larger gain than a decisive answer for the original map (a tie counts half); .5 is "
    "no relation. Interval: two-way cluster standard error of the placements, +- t(A-1). p: two-sided, gains permuted "
    "between the images of a condition, 1,999 permutations (n: decisive answers). Gains of different metrics have "
    "different scales, so it is estimated for one metric at a time."
)
DEFINITION = f"{_COMMON} All conditions in one pool: differences between conditions count as well."
WITHIN_DEFINITION = f"{_COMMON} Only pairs of answers from the same condition are compared (stratified)."
SOURCE = "Hanley and McNeil 1982; DeLong, DeLong and Clarke-Pearson 1988; clusters as in Obuchowski 1997"


def metric_auc(judgements: Judgements, seed: int) -> Estimate:
    """AUC of the gain for the decisive choice over all pairs of answers; undefined over several metrics."""
    return _auc(judgements, seed, within=False, definition=DEFINITION)


def metric_auc_within(judgements: Judgements, seed: int) -> Estimate:
    """AUC over the pairs of answers within conditions; undefined over several metrics."""
    return _auc(judgements, seed, within=True, definition=WITHIN_DEFINITION)


def _auc(judgements: Judgements, seed: int, *, within: bool, definition: str) -> Estimate:
    scored = judgements.where(np.isfinite(judgements.gain))
    decisive = int(np.count_nonzero(scored.choice))
    if scored.n == 0:
        reason = "no answers" if judgements.n == 0 else "no metric scores"
        return undefined(reason, n=0, definition=definition)
    if judgements.mixes_metrics:
        return undefined(DIFFERENT_METRICS, n=decisive, definition=definition)
    table = vote_table(scored)
    gain = np.zeros(table.image.size)
    gain[scored.trial] = scored.gain
    stratum = table.condition if within else np.zeros_like(table.condition)
    original, finetuned = table.counts[:, 0], table.counts[:, 2]
    below, above, pairs = concordance(gain, finetuned, original, stratum)
    if pairs == 0:
        return undefined(_why_no_pairs(finetuned.sum(), original.sum()), n=decisive, definition=definition)
    if all(np.unique(gain[stratum == code]).size == 1 for code in np.unique(stratum)):
        return undefined("the metric gain is the same for all images", n=decisive, definition=definition)
    value = float(below @ finetuned) / pairs
    opponents_for = _per_stratum_total(original, stratum)
    opponents_against = _per_stratum_total(finetuned, stratum)
    influence = np.select(
        [scored.choice == 1, scored.choice == -1],
        [
            ((below - value * opponents_for) / pairs)[scored.trial],
            ((above - value * opponents_against) / pairs)[scored.trial],
        ],
        0.0,
    )
    named = scored.choice != 0
    clusters = scored.where(named)
    estimate = two_way_estimate(
        value, influence[named], clusters.image, clusters.annotator, bounds=(0.0, 1.0), definition=definition
    )
    permuted = permuted_concordance(
        gain, finetuned, original, stratum, table.condition, table.image, permutations=PERMUTATIONS, seed=seed
    )
    return with_p(estimate, _two_sided_p(value * pairs, permuted))


def _two_sided_p(observed: float, permuted: Floats) -> float:
    """Twice the smaller tail, the observed arrangement counted as one of the permutations (never 0)."""
    slack = 1e-9 * max(1.0, abs(observed))
    larger = 1 + int(np.count_nonzero(permuted >= observed - slack))
    smaller = 1 + int(np.count_nonzero(permuted <= observed + slack))
    return min(1.0, 2 * min(larger, smaller) / (1 + permuted.size))


def _per_stratum_total(votes: Ints, stratum: Ints) -> Floats:
    """[trials]: the votes in the stratum of each trial."""
    totals: Floats = np.bincount(stratum, weights=votes.astype(np.float64)).astype(np.float64)
    return totals[stratum]


def _why_no_pairs(finetuned: int, original: int) -> str:
    if finetuned == 0 and original == 0:
        return "no decisive answers"
    if finetuned == 0 or original == 0:
        return f"all decisive answers are {'original' if finetuned == 0 else 'finetuned'}"
    return "no condition has decisive answers for both maps"
