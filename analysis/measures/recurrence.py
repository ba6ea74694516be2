"""How often could an annotator recognise an original map that they had judged before?"""

from dataclasses import dataclass

import numpy as np

from analysis.measures.judgements import Judgements

DEFINITION = (
    "The original map of an image depends on dataset, network and attributor, but not on the metric. A case is an "
    "annotator who judged an image with the same original map in more than one condition; answers counts the answers "
    "in these cases."
)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """The cases, the answers given in them (at least two each), and how many annotators they belong to."""

    cases: int
    answers: int
    annotators: int


def recurrence(judgements: Judgements) -> Recurrence:
    """Count (annotator, image, original map) that come in more than one condition."""
    maps = [(key.dataset, key.network, key.attributor) for key in judgements.conditions]
    map_of_condition = np.array([maps.index(name) for name in maps], dtype=np.int64)
    columns = np.stack([judgements.annotator, judgements.image, map_of_condition[judgements.condition]])
    cells, cell = np.unique(columns, axis=1, return_inverse=True)
    cell = cell.reshape(-1)
    met = np.unique(np.stack([cell, judgements.condition]), axis=1)[0]
    recurring = np.bincount(met, minlength=cells.shape[1]) > 1
    return Recurrence(
        cases=int(np.count_nonzero(recurring)),
        answers=int(np.count_nonzero(recurring[cell])),
        annotators=int(np.unique(cells[0, recurring]).size),
    )
