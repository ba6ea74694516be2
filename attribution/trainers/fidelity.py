"""Fine-tuning on a metric while the network keeps answering as before (the published study, its selection mended).

Loss = fidelity + weight x metric loss, with fidelity = (1 - cos(original logits, finetuned logits)) / 2, the original
without gradient and the network in eval mode.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from attribution.attempts import SMALLER
from attribution.last_words import trying
from attribution.metrics import Explained, as_learnable
from attribution.networks import Network
from attribution.trainers.base import Outcome, Report, Task
from attribution.trainers.loop import Plan, StepLoss, fine_tune, rehearse
from attribution.trainers.settings import check_preset, learning_rate, weight
from attribution.trainers.steps import Batch, prepare_batch


@dataclass(frozen=True)
class FidelityTrainer:
    """Adam on fidelity + `training.weight` x the metric's loss, on all parameters.

    The weights that come back are the best on the whole validation split among checkpoints that agree with the
    original's predictions often enough; the original's own score is the one to beat.
    """

    name: ClassVar[str] = "fidelity"
    uses_metric: ClassVar[bool] = True
    control: ClassVar[bool] = False
    faithful: ClassVar[bool] = True

    def rehearse(self, task: Task) -> None:
        check_preset(task)
        rehearse(task, _plan(task))

    def __call__(self, task: Task, checkpoint: Path, key: str, report: Report) -> Outcome:
        return fine_tune(task, _plan(task), checkpoint, key, report)


def _plan(task: Task) -> Plan:
    share = weight(task)

    def loss(student: Network, step: int) -> StepLoss:
        return losses(task, student, prepare_batch(task, step), share)

    return Plan(loss=loss, learning_rate=learning_rate(task), steps=task.config.steps)


def losses(task: Task, student: Network, batch: Batch, share: float) -> StepLoss:
    """Fidelity + `share` x metric loss of one batch.

    The logits for the probe's inputs come from the forward pass of the maps.
    """
    probe = batch.probe
    name = task.attributor.name
    with trying(f"maps by {name}, with a graph", f"leave {name} out of attributors, or {SMALLER}"):
        made = task.attributor(student, probe.inputs, probe.targets, create_graph=True)
    fidelity = fidelity_to(batch, made.logits, student)
    with trying(f"the loss of {task.metric.name}", f"leave {task.metric.name} out of metrics, or {SMALLER}"):
        metric = as_learnable(task.metric).loss(Explained(student, task.attributor, probe, made.maps, made.logits))
    return StepLoss(fidelity + share * metric, {"fidelity_loss": fidelity, "metric_loss": metric})


def fidelity_to(batch: Batch, logits: Tensor, student: Network) -> Tensor:
    """The fidelity loss of a student whose logits for the probe's inputs are `logits` [N, classes].

    The network is trusted by its answers to plain images, so where the batch has some, it is the mean over both.
    """
    fidelity = fidelity_loss(batch.wanted, logits)
    if batch.plain is None:
        return fidelity
    images, wanted = batch.plain
    return (fidelity + fidelity_loss(wanted, student.logits(images))) / 2


def fidelity_loss(original: Tensor, finetuned: Tensor) -> Tensor:
    """Mean over images of (1 - cosine of the logits) / 2; both [N, classes]."""
    return ((1 - F.cosine_similarity(original, finetuned, dim=1)) / 2).mean()
