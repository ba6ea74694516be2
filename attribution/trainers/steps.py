"""What a step of a fine-tuning looks at: its images, its probe and the original's answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from attribution.attempts import SMALLER
from attribution.evaluation import plain_logits
from attribution.last_words import trying
from attribution.metrics import Probe
from attribution.trainers.base import Task
from attribution.trainers.settings import fidelity


@dataclass(frozen=True)
class Batch:
    """A step's probe with the original's logits [N, classes] for it; `plain` are images [M, 3, H, W] and the original's
    logits for them, where the network is to stay faithful on plain images and the probe shows something else."""

    probe: Probe
    wanted: Tensor
    plain: tuple[Tensor, Tensor] | None


def batch_of_step(members: Sequence[int], size: int, seed: int, step: int) -> tuple[list[int], int]:
    """Images of a step, and its epoch: a function of seed and step alone, so that a resumed run goes on alike."""
    per_epoch = max(1, len(members) // size)
    epoch, turn = divmod(step, per_epoch)
    order = np.random.default_rng([seed, epoch]).permutation(np.asarray(members))
    return [int(item) for item in order[turn * size : (turn + 1) * size]], epoch


def prepare_batch(task: Task, step: int) -> Batch:
    """The batch of a step (from 0). The original is asked only what is not known of it yet, and nothing twice."""
    items, epoch = batch_of_step(task.train.members, task.config.batch, task.seed, step)
    asked: list[tuple[Tensor, Tensor]] = []

    def original_logits(inputs: Tensor) -> Tensor:
        asked.append((inputs, plain_logits(task.original, inputs)))
        return asked[-1][1]

    with trying(f"what {task.metric.name} looks at", f"leave {task.metric.name} out of metrics, or {SMALLER}"):
        probe = task.metric.probe(task.train, items, seed=task.seed, turn=epoch + 1, original_logits=original_logits)
    if probe.items is not None:
        return Batch(probe, task.logits[list(probe.items)].to(probe.inputs.device), None)
    known = next((logits for inputs, logits in asked if inputs is probe.inputs), None)
    wanted = plain_logits(task.original, probe.inputs) if known is None else known
    if fidelity(task) == "inputs":
        return Batch(probe, wanted, None)
    return Batch(probe, wanted, (task.train.images(items), task.logits[items].to(probe.inputs.device)))
