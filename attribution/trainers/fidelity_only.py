"""A null control: the fidelity fine-tuning with metric weight 0, which asks what fine-tuning changes by itself.

At the original's own weights the fidelity loss and its gradient are zero but for rounding, and Adam divides a gradient
by its own size: plain Adam would walk full steps into directions that rounding chose, other ones on every machine.
What a metric that says nothing does instead is defined here: Adam's first step is the learning rate times the
gradient's sign in every weight, so the student begins one such step away from the original, with signs drawn from a
seed. From there on fidelity has a real gradient, and the steps are those of the fidelity trainer on the same batches,
inputs and settings.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from attribution.metrics.options import whole_number
from attribution.networks import Network
from attribution.trainers.base import Outcome, Report, Task
from attribution.trainers.fidelity import fidelity_to
from attribution.trainers.loop import Plan, StepLoss, fine_tune, rehearse, trainable
from attribution.trainers.seeds import joint_seed
from attribution.trainers.selection import last_faithful
from attribution.trainers.settings import check_preset, learning_rate
from attribution.trainers.steps import prepare_batch


@dataclass(frozen=True)
class FidelityOnlyTrainer:
    """Adam on fidelity alone, from weights that lie `kick` x learning rate beside the original's, signs by `seed`.

    The metric is scored at every validation, but has no say in the weights: the last checkpoint that agrees with the
    original often enough comes back, since the one that happens to score best would have been chosen by the metric.
    ``kick = 0`` begins at the original itself. The config's `weight` is not used; the learning rate is the config's,
    else the metric's published one.
    """

    kick: float = 1.0
    seed: int = 0

    name: ClassVar[str] = "fidelity_only"
    uses_metric: ClassVar[bool] = False
    control: ClassVar[bool] = True
    faithful: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.kick < float("inf"):
            raise ValueError(f"kick: {self.kick!r}: use a number from 0, in units of the learning rate")
        whole_number("seed", self.seed, 0)

    def rehearse(self, task: Task) -> None:
        check_preset(task)
        rehearse(task, self._plan(task))

    def __call__(self, task: Task, checkpoint: Path, key: str, report: Report) -> Outcome:
        return fine_tune(task, self._plan(task), checkpoint, key, report)

    def _plan(self, task: Task) -> Plan:
        rate = learning_rate(task)

        def loss(student: Network, step: int) -> StepLoss:
            batch = prepare_batch(task, step)
            fidelity = fidelity_to(batch, student.logits(batch.probe.inputs), student)
            return StepLoss(fidelity, {"fidelity_loss": fidelity})

        def begin(student: Network) -> None:
            push(student, self.kick * rate, seed=joint_seed(task.seed, self.seed))

        return Plan(loss=loss, learning_rate=rate, steps=task.config.steps, begin=begin, rank=last_faithful)


def push(network: Network, distance: float, *, seed: int) -> None:
    """Move every trainable weight by `distance`, up or down by a coin's toss; the same on every device."""
    coin = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in trainable(network):
            signs = torch.randint(0, 2, parameter.shape, generator=coin) * 2 - 1
            parameter.add_(signs.to(parameter), alpha=distance)
