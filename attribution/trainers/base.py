"""What every trainer takes and returns."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from torch import Tensor

from attribution.attributors import Attributor
from attribution.config import TrainingConfig
from attribution.evaluation import Known
from attribution.metrics import Metric
from attribution.networks import Network
from attribution.split_view import SplitView


@dataclass(frozen=True)
class Task:
    """One condition's fine-tuning: a metric on an attributor's maps of a network, and the splits to do it on.

    `logits` [N, classes] and `predictions` [N] are the original network's answers to every image of the data set;
    `known`, where it is given, has the original's maps of the plain validation images; `name` is the condition's, for
    messages.
    """

    original: Network
    attributor: Attributor
    metric: Metric
    train: SplitView
    validation: SplitView
    logits: Tensor
    predictions: np.ndarray
    config: TrainingConfig
    seed: int
    batch: int
    known: Known | None = None
    name: str = ""


@dataclass(frozen=True)
class Selection:
    """How the weights of a fine-tuning were selected.

    Scores are means over the validation images where the metric is defined for both networks.

    `improved` is false where no checkpoint that agrees with the original often enough beat the original's own score.
    """

    improved: bool
    before: float
    after: float
    agreement: float
    step: int
    seconds: float
    history: tuple[dict[str, float], ...]


@dataclass(frozen=True)
class Outcome:
    """The selected network and how it was selected."""

    network: Network
    selection: Selection


Report = Callable[[dict[str, float]], None]


class Trainer(Protocol):
    """Changes a network: fine-tunes it on a learnable metric under a constraint, or does what a control asks for.

    A frozen dataclass whose fields are its options (``training.options``), each with a default; a value that makes no
    sense raises ValueError in ``__post_init__``.
    """

    name: ClassVar[str]
    uses_metric: ClassVar[bool]  # trains on the metric's loss: needs a learnable metric and a differentiable attributor
    control: ClassVar[bool]  # a control condition, exported whether or not the metric improved
    faithful: ClassVar[bool]  # is meant to answer as the original: images that it gets wrong are left out of the study

    def rehearse(self, task: Task) -> None:
        """One batch forward and backward on a copy, so that what cannot work is known before hours of training."""
        ...

    def __call__(self, task: Task, checkpoint: Path, key: str, report: Report) -> Outcome:
        """Train from `checkpoint` if it is there and was made under the same `key`, else from the original.

        Progress is kept in `checkpoint` at every validation; `report` hears of every step.
        """
        ...
