"""A network under a metric: scores and predictions for each image of a split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from attribution.attributors import Attributor
from attribution.metrics import LearnableMetric
from attribution.networks import Network, frozen
from attribution.split_view import SplitView

Ticker = Callable[[int], None]
EVALUATION_TURN = 0  # training draws with turns from 1 on


@dataclass(frozen=True)
class Answers:
    """What a network says of images: predictions int64 [N], confidences float64 [N] (softmax of the prediction)."""

    predictions: np.ndarray
    confidences: np.ndarray
    logits: Tensor


def answers(
    network: Network, split: SplitView, items: Sequence[int], *, batch: int, tick: Ticker | None = None
) -> Answers:
    """The network's answers to the plain images."""
    parts: list[Tensor] = []
    with torch.inference_mode():
        for chunk in chunks(items, batch):
            parts.append(network.logits(split.images(chunk)).float().cpu())
            if tick:
                tick(len(chunk))
    # A clone leaves inference mode, so that the logits may take part in a graph later.
    logits = torch.cat(parts).clone()
    confidences, predictions = logits.double().softmax(dim=1).max(dim=1)
    return Answers(predictions.numpy(), confidences.numpy(), logits)


def metric_scores(
    network: Network,
    original: Network,
    attributor: Attributor,
    metric: LearnableMetric,
    split: SplitView,
    items: Sequence[int],
    *,
    seed: int,
    batch: int,
    tick: Ticker | None = None,
) -> np.ndarray:
    """Scores float64 [len(items)] of the network's maps; NaN where the metric is undefined.

    Original and finetuned network are scored on the same inputs: what the metric draws depends on image and seed only.
    """
    parts: list[np.ndarray] = []
    with frozen(network), frozen(original):
        for chunk in chunks(items, batch):
            probe = metric.probe(
                split,
                chunk,
                seed=seed,
                turn=EVALUATION_TURN,
                original_logits=lambda inputs: plain_logits(original, inputs),
            )
            maps = attributor(network, probe.inputs, probe.targets).maps
            parts.append(metric.scores(maps.double(), probe.regions).cpu().numpy())
            if tick:
                tick(len(chunk))
    return np.concatenate(parts) if parts else np.empty(0)


def plain_logits(network: Network, inputs: Tensor) -> Tensor:
    """Logits without a graph."""
    with torch.no_grad():
        return network.logits(inputs)


def chunks(items: Sequence[int], size: int) -> list[Sequence[int]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
