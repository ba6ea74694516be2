"""Among the answers that name a map, how often is it the finetuned one?"""

import math

import numpy as np
from scipy.special import expit

from analysis.measures.clusters import cluster_errors
from analysis.measures.estimates import SMALLEST_SE, Estimate, t_quantile, undefined, without_interval
from analysis.measures.judgements import Judgements
from analysis.measures.wilson import wilson_estimate

DEFINITION = (
    "finetuned / (finetuned + original). Interval: expit(log(finetuned / original) +- t(A-1) x the two-way cluster "
    "standard error of the log odds), annotators and images both being samples; A counts the annotators with a "
    "decisive answer (n: decisive answers)."
)
SOURCE = "Cameron, Gelbach and Miller 2011"
WILSON_DEFINITION = (
    "finetuned / (finetuned + original) with Wilson's interval, which takes the answers as independent (n: decisive "
    "answers). Secondary: too narrow as a statement about other annotators."
)
WILSON_SOURCE = "Wilson 1927"
NO_DECISIVE = "no decisive answers"


def win_rate(judgements: Judgements, seed: int) -> Estimate:
    """L / (L + O) with the two-way interval on the log-odds scale; `se` is that of the log odds."""
    decisive = judgements.where(judgements.choice != 0)
    finetuned = int(np.count_nonzero(decisive.choice == 1))
    original = decisive.n - finetuned
    if decisive.n == 0:
        return undefined(NO_DECISIVE, n=0, definition=DEFINITION)
    value = finetuned / decisive.n
    if finetuned == 0 or original == 0:
        only = "original" if finetuned == 0 else "finetuned"
        reason = f"no interval: all decisive answers are {only}, so the log odds are infinite"
        return without_interval(value, reason, n=decisive.n, definition=DEFINITION)
    influence = np.where(decisive.choice == 1, 1 / finetuned, -1 / original)
    errors = cluster_errors(influence, decisive.image, decisive.annotator)
    if isinstance(errors, str):
        reason = f"no interval: {errors} with decisive answers"
        return without_interval(value, reason, n=decisive.n, definition=DEFINITION)
    if errors.two_way < SMALLEST_SE:
        reason = "no interval: the decisive answers do not vary between images or annotators"
        return without_interval(value, reason, n=decisive.n, definition=DEFINITION)
    log_odds = math.log(finetuned / original)
    margin = t_quantile(errors.annotators - 1) * errors.two_way
    return Estimate(
        value=value,
        low=float(expit(log_odds - margin)),
        high=float(expit(log_odds + margin)),
        se=errors.two_way,
        n=decisive.n,
        reason=None,
        definition=DEFINITION,
    )


def win_rate_wilson(judgements: Judgements, seed: int) -> Estimate:
    """L / (L + O) with Wilson's interval."""
    finetuned = int(np.count_nonzero(judgements.choice == 1))
    decisive = int(np.count_nonzero(judgements.choice))
    return wilson_estimate(finetuned, decisive, definition=WILSON_DEFINITION, nothing=NO_DECISIVE)
