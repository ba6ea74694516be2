"""Parameter gradients of the whole loss against finite differences, in float64, over the registries."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from attribution.attributors import ATTRIBUTORS
from attribution.config import TrainingConfig
from attribution.metrics import METRICS, Metric
from attribution.networks import Network
from attribution.tests.small_networks import FunctionalReLU, SmoothAfterReLU, network
from attribution.tests.small_splits import small_split
from attribution.trainers import Task
from attribution.trainers.fidelity import losses
from attribution.trainers.loop import StepLoss
from attribution.trainers.steps import Batch

WEIGHT = 0.7
# A ReLU, a rank or a maximum that changes sides within a step spoils a difference, rounding spoils small steps: the
# step is the first whose difference agrees with that of half the step.
STEPS = (1e-6, 1e-7, 1e-8)
AGREEMENT = 1e-8

NETWORKS: dict[str, Callable[[], Network]] = {
    "smooth-after-relu": lambda: network(SmoothAfterReLU(), "third"),
    "functional-relu": lambda: network(FunctionalReLU(), "convolutions.5"),
}
# Exactness does not depend on how many gradients are averaged, and the time does.
FEWER: dict[str, dict[str, int]] = {"IntegratedGradients": {"steps": 4}, "SmoothGrad": {"samples": 3}}
DIFFERENTIABLE = [name for name, made in ATTRIBUTORS.items() if made.differentiable]
LEARNABLE = [name for name, made in METRICS.items() if made.learnable]


@dataclass(frozen=True)
class Case:
    """A student beside its original, and a batch for it: four images, weights moved by 5 % of their spread."""

    task: Task
    student: Network
    batch: Batch

    def loss(self) -> StepLoss:
        return losses(self.task, self.student, self.batch, WEIGHT)

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        return list(self.student.module.parameters())


@dataclass(frozen=True)
class Checked:
    """The largest relative error over directions, and the norm of the metric loss's own gradient."""

    error: float
    metric_gradient: float


def make_case(attributor: str, metric: Metric, tested: Network) -> Case:
    split = small_split(classes=5, per_class=3, size=tested.preprocessing.size, dtype=torch.float64)
    task = Task(
        original=tested,
        attributor=ATTRIBUTORS[attributor](**FEWER.get(attributor, {})),
        metric=metric,
        train=split,
        validation=split,
        logits=torch.empty(0),
        predictions=np.empty(0),
        config=TrainingConfig(),
        seed=0,
        batch=4,
    )
    student = tested.copy()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in student.module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.05)
    probe = metric.probe(split, split.members[:4], seed=0, turn=1, original_logits=tested.logits)
    return Case(task, student, Batch(probe, tested.logits(probe.inputs).detach(), None))


def check(case: Case) -> Checked:
    loss = case.loss()
    parts = torch.autograd.grad(
        loss.parts["metric_loss"], case.parameters, allow_unused=True, retain_graph=True, materialize_grads=True
    )
    norm = float(torch.stack([part.norm() for part in parts]).norm())
    return Checked(max(relative_errors(case, loss.total)), norm)


def relative_errors(case: Case, loss: Tensor) -> Iterator[float]:
    """Analytic against central difference along random directions, every other one in a single parameter."""
    gradients = torch.autograd.grad(loss, case.parameters, allow_unused=True, materialize_grads=True)
    rng = torch.Generator().manual_seed(11)
    for trial in range(6):
        only = None if trial % 2 else trial * len(gradients) // 6
        direction = [
            torch.randn(gradient.shape, generator=rng, dtype=gradient.dtype) * (only is None or only == index)
            for index, gradient in enumerate(gradients)
        ]
        numeric = difference(case, direction)
        analytic = sum(float((g * d).sum()) for g, d in zip(gradients, direction, strict=True))
        yield abs(analytic - numeric) / max(abs(numeric), 1e-3)


def difference(case: Case, direction: Sequence[Tensor]) -> float:
    """The loss's derivative along the direction, from losses alone."""
    found: list[tuple[float, float]] = []
    for step in STEPS:
        wide, narrow = central(case, direction, step), central(case, direction, step / 2)
        found.append((abs(wide - narrow) / max(abs(narrow), 1e-3), wide))
        if found[-1][0] < AGREEMENT * 1e-6 / step:
            break
    return min(found)[1]


def central(case: Case, direction: Sequence[Tensor], step: float) -> float:
    values = []
    before = [parameter.detach().clone() for parameter in case.parameters]
    for sign in (1, -1):
        with torch.no_grad():
            for parameter, start, d in zip(case.parameters, before, direction, strict=True):
                parameter.copy_(start + sign * step * d)
        values.append(float(case.loss().total.detach()))
    with torch.no_grad():
        for parameter, start in zip(case.parameters, before, strict=True):
            parameter.copy_(start)
    return (values[0] - values[1]) / (2 * step)


def rows(
    attributors: Sequence[str] = DIFFERENTIABLE,
    metrics: Sequence[str] = LEARNABLE,
    networks: Sequence[str] = (*NETWORKS,),
) -> list[dict[str, str | float]]:
    """A row per attributor and network with the largest relative error for each metric."""
    return [
        {
            "network": which,
            "attributor": attributor,
            **{
                metric: f"{check(make_case(attributor, METRICS[metric](), NETWORKS[which]())).error:.0e}"
                for metric in metrics
            },
        }
        for which in networks
        for attributor in attributors
    ]
