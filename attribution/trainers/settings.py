"""What a fine-tuning is done with: the config's keys, and the published study's where they are left out.

The published study fine-tunes with Adam without weight decay, batches of 8 and a gradient norm of at most 1, and keeps
the network faithful on what the metric looks at; weight and learning rate are each metric's own
(`LearnableMetric.published`).
"""

from typing import Literal

from attribution.errors import InputError
from attribution.metrics import as_learnable
from attribution.trainers.base import Task

Fidelity = Literal["inputs", "inputs_and_images"]


def weight(task: Task) -> float:
    """The metric loss's weight: the config's, else the published study's for this metric."""
    given = task.config.weight
    return given if given is not None else published(task, "weight and learning_rate")[0]


def learning_rate(task: Task) -> float:
    """Adam's learning rate: the config's, else the published study's for this metric."""
    given = task.config.learning_rate
    return given if given is not None else published(task, "learning_rate")[1]


def fidelity(task: Task) -> Fidelity:
    """What the network keeps its answers to: the config's choice, else the preset's, else both."""
    if task.config.fidelity is not None:
        return task.config.fidelity
    return "inputs" if task.config.preset == "published" else "inputs_and_images"


def refuse_unused(task: Task, trainer: str, *keys: Literal["preset", "fidelity"]) -> None:
    """InputError if the config sets one of the keys, which the trainer would not use."""
    for key in keys:
        if getattr(task.config, key) is not None:
            raise InputError(f"training.{key}: {trainer} does not use it: leave it out")


def check_preset(task: Task) -> None:
    """InputError if the config asks for published settings and the metric has none."""
    if task.config.preset == "published":
        published(task, None)


def published(task: Task, keys: str | None) -> tuple[float, float]:
    """The metric's published weight and learning rate; InputError, which asks for `keys`, if it has none."""
    metric = task.metric
    found = as_learnable(metric).published if metric.learnable else None
    what = f"{metric.name} with this variant" if hasattr(metric, "variant") else metric.name
    if found is None and keys is None:
        raise InputError(
            f'training.preset: {what} has no published settings: drop preset = "published" and give weight and '
            "learning_rate"
        )
    if found is None:
        raise InputError(f"{what} has no published settings: give training.{keys}")
    return found
