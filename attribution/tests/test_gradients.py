"""The gradient of the whole loss against finite differences, for differentiable attributors and learnable metrics."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from attribution.attributors import ATTRIBUTORS
from attribution.attributors.guided_backprop import GuidedReLU
from attribution.config import TrainingConfig
from attribution.metrics import METRICS
from attribution.networks import Network
from attribution.tests.small_networks import FunctionalReLU, SmoothAfterReLU, network
from attribution.tests.small_splits import small_split
from attribution.trainers.base import Task
from attribution.trainers.fidelity import losses
from attribution.trainers.steps import Batch

STEP = 1e-7  # small, so that few ReLUs change sides within it


def make_task(attributor: str, metric: str, tested: Network) -> tuple[Task, Network, Batch]:
    split = small_split(classes=5, per_class=3, size=tested.preprocessing.size, dtype=torch.float64)
    task = Task(
        original=tested,
        attributor=ATTRIBUTORS[attributor](),
        metric=METRICS[metric](),
        train=split,
        validation=split,
        logits=torch.empty(0),
        predictions=np.empty(0),
        config=TrainingConfig(weight=0.7),
        seed=0,
        batch=4,
    )
    student = tested.copy()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in student.module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.05)
    probe = task.metric.probe(split, split.members[:4], seed=0, turn=1, original_logits=tested.logits)
    return task, student, Batch(probe, tested.logits(probe.inputs).detach(), None)


def relative_errors(task: Task, student: Network, batch: Batch) -> Iterator[float]:
    """Analytic against central difference along random directions, a third of them in single parameters."""
    parameters = list(student.module.parameters())
    student.module.zero_grad()
    losses(task, student, batch, 0.7).total.backward()
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parameters]
    rng = torch.Generator().manual_seed(11)
    for trial in range(9):
        only = None if trial % 3 else trial % len(parameters)
        direction = [
            torch.randn(p.shape, generator=rng, dtype=p.dtype) * (only is None or only == index)
            for index, p in enumerate(parameters)
        ]
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                for p, d in zip(parameters, direction, strict=True):
                    p.add_(d, alpha=sign * STEP)
            values.append(float(losses(task, student, batch, 0.7).total.detach()))
            with torch.no_grad():
                for p, d in zip(parameters, direction, strict=True):
                    p.sub_(d, alpha=sign * STEP)
        numeric = (values[0] - values[1]) / (2 * STEP)
        analytic = sum(float((g * d).sum()) for g, d in zip(gradients, direction, strict=True))
        yield abs(analytic - numeric) / max(abs(numeric), 1e-3)


NETWORKS = {
    "smooth-after-relu": lambda: network(SmoothAfterReLU(), "third"),
    "functional-relu": lambda: network(FunctionalReLU(), "convolutions.5"),
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("attributor", [name for name, made in ATTRIBUTORS.items() if made.differentiable])
@pytest.mark.parametrize("which", NETWORKS)
def test_the_parameter_gradient_equals_finite_differences(attributor: str, metric: str, which: str) -> None:
    task, student, batch = make_task(attributor, metric, NETWORKS[which]())
    assert max(relative_errors(task, student, batch)) < 1e-5


def test_a_rule_left_on_in_the_second_backward_pass_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The power of the test above: the classic mistake bends the gradient by far more than its tolerance."""
    monkeypatch.setattr(GuidedReLU, "_clamp", lambda _self, gradient: gradient.clamp(min=0))
    task, student, batch = make_task("GuidedBackprop", "RMA", NETWORKS["smooth-after-relu"]())
    assert max(relative_errors(task, student, batch)) > 1e-2


def test_training_changes_neither_batchnorm_statistics_nor_the_set_of_parameters() -> None:
    task, student, batch = make_task("GuidedBackprop", "RMA", NETWORKS["smooth-after-relu"]())
    names = set(dict(student.module.named_parameters()))
    statistics = {name: value.clone() for name, value in student.module.named_buffers()}
    losses(task, student, batch, 0.7).total.backward()
    assert set(dict(student.module.named_parameters())) == names
    for name, value in student.module.named_buffers():
        np.testing.assert_array_equal(value.numpy(), statistics[name].numpy())
    SmoothAfterReLU().double().load_state_dict(student.module.state_dict(), strict=True)
