"""A fine-tuning small enough for tests, and what it leaves behind."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from torch import nn

from attribution.attributors import ATTRIBUTORS
from attribution.config import TrainingConfig
from attribution.evaluation import answers
from attribution.metrics import METRICS, Metric
from attribution.networks import Network
from attribution.tests.small_networks import SmoothAfterReLU, network
from attribution.tests.small_splits import small_split
from attribution.trainers import Outcome, Task, Trainer


def small_task(
    module: Callable[[], nn.Module] = SmoothAfterReLU,
    layer: str = "third",
    *,
    metric: Metric | None = None,
    attributor: str = "GradCAM",
    **changes: object,
) -> Task:
    """Twelve steps on RMA, or on `metric`, with a float32 network; `changes` are other training settings."""
    split = small_split(classes=5, per_class=4, size=16)
    original = network(module(), layer)
    original = replace(original, module=original.module.float())
    known = answers(original, split, split.members, batch=8)
    settings = {"weight": 0.5, "learning_rate": 1e-3, "steps": 12, "validate_every": 4, "minimum_agreement": 0.5}
    return Task(
        original=original,
        attributor=ATTRIBUTORS[attributor](),
        metric=METRICS["RMA"]() if metric is None else metric,
        train=split,
        validation=split,
        logits=known.logits,
        predictions=known.predictions,
        config=TrainingConfig(**{**settings, **changes}),  # type: ignore[arg-type]
        seed=3,
        batch=8,
    )


def train(trainer: Trainer, made: Task, checkpoint: Path, *, stop_after: int | None = None) -> Outcome:
    """Run the trainer; it is interrupted at the first step after `stop_after`."""

    def report(event: dict[str, float]) -> None:
        if stop_after is not None and event["step"] > stop_after:
            raise KeyboardInterrupt

    return trainer(made, checkpoint, "run", report)


def changed(before: Network, after: Network) -> set[str]:
    """Names of the parameters and buffers that differ in any bit."""
    first, second = before.module.state_dict(), after.module.state_dict()
    assert list(first) == list(second)
    return {name for name in first if not bool((first[name] == second[name]).all())}
