"""Entropy minimisation (Wang et al. 2021, equation 1, Tent): self-learning by the network's own certainty."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from attribution.trainers.base import Outcome, Report, Task
from attribution.trainers.loop import fine_tune, rehearse
from attribution.trainers.self_learning import self_learning


@dataclass(frozen=True)
class ENTTrainer:
    """Adapts normalisation layers' affine parameters on the mean entropy of the network's answers, in nats.

    The entropy is over all classes. All other weights and BatchNorm's statistics stay as they are (test-time
    adaptation would use the batch's statistics). A network without normalisation layers is refused. The last
    checkpoint that agrees with the original often enough comes back. Learning rate 2.5e-4 if left out; the config's
    weight is not used.
    """

    name: ClassVar[str] = "ent"
    uses_metric: ClassVar[bool] = False
    control: ClassVar[bool] = True
    faithful: ClassVar[bool] = True

    def rehearse(self, task: Task) -> None:
        rehearse(task, self_learning(task, self.name, entropy))

    def __call__(self, task: Task, checkpoint: Path, key: str, report: Report) -> Outcome:
        return fine_tune(task, self_learning(task, self.name, entropy), checkpoint, key, report)


def entropy(logits: Tensor) -> Tensor:
    """Mean over images of -sum p log p of the softmax of logits [N, classes]."""
    logarithms = logits.log_softmax(dim=1)
    return -(logarithms.exp() * logarithms).sum(dim=1).mean()
