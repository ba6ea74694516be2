"""Do people prefer the finetuned maps, and by how much?"""

import numpy as np

from analysis.measures.clusters import two_way_estimate
from analysis.measures.estimates import Estimate, undefined
from analysis.measures.judgements import Judgements

DEFINITION = (
    "(finetuned - original) / all answers, between -1 and +1. Interval: +- t(A-1) x the two-way cluster standard "
    "error, annotators and images both being samples (n: answers)."
)
SOURCE = "Cameron, Gelbach and Miller 2011"


def net_preference(judgements: Judgements, seed: int) -> Estimate:
    """(L - O) / T with the two-way interval, which is cut to [-1, 1]."""
    if judgements.n == 0:
        return undefined("no answers", n=0, definition=DEFINITION)
    choice = judgements.choice.astype(np.float64)
    value = float(choice.sum()) / judgements.n
    return two_way_estimate(
        value,
        (choice - value) / judgements.n,
        judgements.image,
        judgements.annotator,
        bounds=(-1.0, 1.0),
        definition=DEFINITION,
    )
