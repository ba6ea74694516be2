"""Robust pseudo-labelling (Rusak et al. 2021, equation 2): self-learning by a generalised cross-entropy."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from attribution.trainers.base import Outcome, Report, Task
from attribution.trainers.loop import Plan, fine_tune, rehearse
from attribution.trainers.self_learning import self_learning


@dataclass(frozen=True)
class RPLTrainer:
    """Adapts normalisation layers' affine parameters on mean((1 - p_y^q) / q), y the network's own first class.

    p are the softmax probabilities over all classes; y carries no gradient. ``q = 1`` is 1 - p_y (mean absolute
    error), q towards 0 the cross-entropy. All other weights and BatchNorm's statistics stay as they are. A network
    without normalisation layers is refused. The last checkpoint that agrees with the original often enough comes back.
    Learning rate 2.5e-4 if left out; the config's weight is not used.
    """

    q: float = 0.8

    name: ClassVar[str] = "rpl"
    uses_metric: ClassVar[bool] = False
    control: ClassVar[bool] = True
    faithful: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 < self.q <= 1:
            raise ValueError(f"q: {self.q!r}: use a number above 0, up to 1")

    def rehearse(self, task: Task) -> None:
        rehearse(task, self._plan(task))

    def __call__(self, task: Task, checkpoint: Path, key: str, report: Report) -> Outcome:
        return fine_tune(task, self._plan(task), checkpoint, key, report)

    def _plan(self, task: Task) -> Plan:
        return self_learning(task, self.name, partial(generalised_cross_entropy, q=self.q))


def generalised_cross_entropy(logits: Tensor, q: float) -> Tensor:
    """Mean over images of (1 - p_y^q) / q for logits [N, classes] and their own first class y."""
    # log p keeps its gradient where p is close to 0 or 1.
    likeliest = logits.log_softmax(dim=1).max(dim=1).values
    return (-(q * likeliest).expm1() / q).mean()
