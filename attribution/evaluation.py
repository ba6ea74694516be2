"""A network under a metric: scores and predictions for each image of a split."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from attribution.attempts import SMALLER, trying_images
from attribution.attributors import Attribution, Attributor
from attribution.attributors.joint import explain
from attribution.last_words import trying
from attribution.metrics import Explained, Metric, Probe
from attribution.metrics.undefined import undefined_reasons
from attribution.networks import Network, frozen
from attribution.out_of_memory import by_halves
from attribution.prepared import prepared
from attribution.split_view import SplitView

Ticker = Callable[[int], None]
Known = Callable[[Sequence[int]], Attribution]


@dataclass(frozen=True)
class Answers:
    """What a network says of images.

    Predictions int64 [N] are class indices among the network's choices, confidences float64 [N] their softmax among
    those; `first` int64 [N] is the class in first place among all classes; logits float32 [N, classes] cover all.
    """

    predictions: np.ndarray
    confidences: np.ndarray
    first: np.ndarray
    logits: Tensor


def answers(
    network: Network, split: SplitView, items: Sequence[int], *, batch: int, tick: Ticker | None = None
) -> Answers:
    """The network's answers to the plain images."""
    parts: list[Tensor] = []

    def asked(some: Sequence[int]) -> Tensor:
        return network.logits(split.images(some)).float().cpu()

    remedy = f"leave the network {network.name} out, or {SMALLER}"
    with torch.inference_mode():
        for chunk in chunks(items, batch):
            with trying_images(f"answers of {network.name}", remedy, split, chunk, lambda item: asked([item])):
                parts += by_halves("answers", asked, chunk)
            if tick:
                tick(len(chunk))
    # A clone leaves inference mode, so that the logits may take part in a graph later.
    logits = torch.cat(parts).clone()
    choices = torch.tensor(network.choices())
    confidences, places = logits[:, choices].double().softmax(dim=1).max(dim=1)
    return Answers(choices[places].numpy(), confidences.numpy(), logits.argmax(dim=1).numpy(), logits)


def metric_scores(
    network: Network,
    original: Network,
    attributor: Attributor,
    metric: Metric,
    split: SplitView,
    items: Sequence[int],
    *,
    seed: int,
    batch: int,
    draws: int = 1,
    own: bool = False,
    known: Known | None = None,
    tick: Ticker | None = None,
    reasons: Counter[str] | None = None,
) -> np.ndarray:
    """Scores float64 [len(items), draws] of the network's maps; NaN where the metric is undefined.

    Original and finetuned network are scored on the same inputs: what the metric draws depends on image and seed only.
    Maps are made by the network prepared for them (see `prepared`), which differs by rounding. With `own`, a draw
    that explains another image's class (see `Probe.own`) is undefined for this image. `known` gives the network's maps
    and logits of plain images, so that they are not made again. `reasons` counts why scores are undefined.
    """
    scores = np.full((len(items), draws), np.nan)

    def of_draw(draw: int, some: Sequence[int]) -> tuple[np.ndarray, list[str]]:
        probe = metric.probe(
            split, some, seed=seed, turn=-draw, original_logits=lambda inputs: plain_logits(original, inputs)
        )
        if known is not None and probe.items is not None:
            made = known(probe.items)
        else:
            with trying(f"maps by {attributor.name}", f"leave {attributor.name} out of attributors, or {SMALLER}"):
                (made,) = explain(maker, [attributor], probe.inputs, probe.targets)
        found = metric.scores(Explained(maker, attributor, probe, made.maps, made.logits))
        if found.shape != (len(some),):
            raise ValueError(f"scores are of shape {tuple(found.shape)}: give one for each of {len(some)} images")
        if own and probe.own is not None:
            found = torch.where(probe.own, found, torch.full_like(found, torch.nan))
        numbers = found.double().cpu().numpy()
        return numbers, [] if reasons is None else list(_reasons(metric, probe, made.maps, np.isnan(numbers)))

    def of_one(draw: int, item: int) -> None:
        of_draw(draw, [item])

    remedy = f"leave {metric.name} out of metrics, change its options, or {SMALLER}"
    with frozen(network), frozen(original):
        maker = prepared(network)
        for draw in range(draws):
            for start in range(0, len(items), batch):
                chunk = items[start : start + batch]
                what = f"scoring by {metric.name}"
                with trying_images(what, remedy, split, chunk, partial(of_one, draw)):
                    found = by_halves(what, partial(of_draw, draw), chunk)
                scores[start : start + batch, draw] = np.concatenate([each for each, _ in found])
                if reasons is not None:
                    for _, why in found:
                        reasons.update(why)
                if tick:
                    tick(len(chunk))
    return scores


def _reasons(metric: Metric, probe: Probe, maps: Tensor, missing: np.ndarray) -> Iterator[str]:
    """Why each of the `missing` (bool [N]) scores is undefined."""
    if not missing.any():
        return
    known = undefined_reasons(metric.undefined, maps, probe.regions)
    for place in np.flatnonzero(missing):
        if probe.own is not None and not bool(probe.own[place]):
            yield "another image's class was explained"
        else:
            yield known[place] or "undefined for this input"


def plain_logits(network: Network, inputs: Tensor) -> Tensor:
    """Logits without a graph."""
    with torch.no_grad():
        return network.logits(inputs)


def chunks(items: Sequence[int], size: int) -> list[Sequence[int]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
