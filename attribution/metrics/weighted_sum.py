"""A weighted sum of several learnable metrics, to be fine-tuned on together."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from attribution.metrics.base import Direction, Explained, LearnableMetric, Probe, as_learnable
from attribution.metrics.plain_images import PlainImages
from attribution.metrics.undefined import Cause
from attribution.split_view import SplitView

DEFAULT = {"RMA": 1.0, "Focus": 1.0}


@dataclass(frozen=True)
class Part:
    """A metric of the sum with its weight, and which of the sum's probes it looks at: 0 is the main one."""

    weight: float
    metric: LearnableMetric
    place: int


@dataclass(frozen=True, init=False)
class WeightedSum:
    """Loss: the sum of weight x loss over its parts. Score: the sum of weight x score, higher is better.

    A part's score that is better when lower counts negatively.

    Options are the parts: ``{ RMA = 1.0, Focus = 0.5 }`` takes each learnable metric with its own defaults,
    ``"Focus.variant" = "published"`` beside them sets an option of one. Without options: RMA and Focus, 1 each.

    Parts that look at plain images share one forward pass and one map; a part with inputs of its own, like Focus,
    brings them, and has its maps made beside. Fidelity is to the answers on the shared plain images, or on the first
    part's inputs if no part looks at plain images. An image is scored on as many draws as the part with the most.
    Undefined (NaN) where any part is; the reasons are those of the parts that look at the main probe. Weights compare
    parts of different scales: look at each metric's range first.
    """

    parts: tuple[Part, ...] = field(init=False)

    name: ClassVar[str] = "WeightedSum"
    direction: ClassVar[Direction] = "higher"
    learnable: ClassVar[bool] = True

    def __init__(self, **options: float | str) -> None:
        object.__setattr__(self, "parts", _placed(_weighted(options or DEFAULT)))

    @property
    def published(self) -> tuple[float, float] | None:
        """The published study did not have this metric."""
        return None

    @property
    def undefined(self) -> tuple[Cause, ...]:
        there = [cause for part in self.parts if part.place == 0 for cause in part.metric.undefined]
        return tuple(dict.fromkeys(there))

    @property
    def needs_masks(self) -> bool:
        return any(part.metric.needs_masks for part in self.parts)

    @property
    def draws(self) -> int:
        return max(part.metric.draws for part in self.parts)

    @property
    def least_per_class(self) -> int:
        return max(part.metric.least_per_class for part in self.parts)

    @property
    def least_classes(self) -> int:
        return max(part.metric.least_classes for part in self.parts)

    def probe(
        self,
        split: SplitView,
        items: Sequence[int],
        *,
        seed: int,
        turn: int,
        original_logits: Callable[[Tensor], Tensor],
    ) -> Probe:
        """The main probe, with those of the parts that look elsewhere as its `others`."""
        probes = [
            self._asking(place).probe(split, items, seed=seed, turn=turn, original_logits=original_logits)
            for place in range(1 + max(part.place for part in self.parts))
        ]
        known = [probe.own for probe in probes if probe.own is not None]
        own = torch.stack(known).all(dim=0) if known else None
        return replace(probes[0], own=own, others=tuple(probes[1:]))

    def scores(self, explained: Explained) -> Tensor:
        views = _views(explained, create_graph=False)
        total = torch.zeros(len(explained.maps), dtype=torch.float64, device=explained.maps.device)
        for part in self.parts:
            sign = 1 if part.metric.direction == "higher" else -1
            total = total + sign * part.weight * part.metric.scores(views[part.place]).to(total)
        return total

    def loss(self, explained: Explained) -> Tensor:
        views = _views(explained, create_graph=True)
        losses = [part.weight * part.metric.loss(views[part.place]) for part in self.parts]
        return torch.stack(losses).sum()

    def _asking(self, place: int) -> LearnableMetric:
        """The part that makes the probe: one that needs masks if any of those that look there does."""
        there = [part.metric for part in self.parts if part.place == place]
        return next((metric for metric in there if metric.needs_masks), there[0])


def _views(explained: Explained, *, create_graph: bool) -> list[Explained]:
    """What is explained for each of the sum's probes."""
    views = [explained]
    for probe in explained.probe.others:
        made = explained.attributor(explained.network, probe.inputs, probe.targets, create_graph=create_graph)
        views.append(replace(explained, probe=probe, maps=made.maps, logits=made.logits))
    return views


def _placed(weighted: list[tuple[float, LearnableMetric]]) -> tuple[Part, ...]:
    """Parts in their order; those that look at plain images as they are share a probe, which is the main one."""
    shared = [_looks_at_plain_images(metric) for _, metric in weighted]
    places, following = [], int(any(shared))
    for plain in shared:
        places.append(0 if plain else following)
        following += not plain
    return tuple(Part(weight, metric, place) for (weight, metric), place in zip(weighted, places, strict=True))


def _looks_at_plain_images(metric: LearnableMetric) -> bool:
    return isinstance(metric, PlainImages) and type(metric).probe is PlainImages.probe


def _weighted(options: Mapping[str, float | str]) -> list[tuple[float, LearnableMetric]]:
    """Weights and metrics, from the options. ValueError for what is no metric, no weight or no option."""
    # The registry lists this class, so it can be looked at only when the sum is made.
    from attribution.metrics import METRICS

    known = [name for name, kind in METRICS.items() if kind.learnable and kind is not WeightedSum]
    settings: dict[str, dict[str, Any]] = {name: {} for name in options if "." not in name}
    for key, value in options.items():
        name, dot, option = key.partition(".")
        if name not in known:
            raise ValueError(f"{key}: {name!r} is no learnable metric (known: {', '.join(known)})")
        if dot and name not in settings:
            raise ValueError(f"{key}: {name} has no weight here: add {name} = 1.0")
        if dot:
            settings[name][option] = value
    made = []
    for name, own in settings.items():
        weight = options[name]
        if isinstance(weight, (bool, str)) or not 0 < weight < math.inf:
            raise ValueError(f"{name}: {weight!r}: use a weight above 0")
        try:
            made.append((float(weight), as_learnable(METRICS[name](**own))))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}: does not take {own}: {error}") from error
    return made
