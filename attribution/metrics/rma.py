"""Relevance mass accuracy (Arras et al. 2022, section 3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from attribution.metrics.base import Direction, Probe
from attribution.metrics.relevance_mass import mass_loss, relevance_mass
from attribution.split_view import SplitView


@dataclass(frozen=True)
class RMA:
    """Positive relevance inside the object's mask (or box), divided by all positive relevance."""

    name: ClassVar[str] = "RMA"
    direction: ClassVar[Direction] = "higher"
    needs_masks: ClassVar[bool] = True
    published: ClassVar[tuple[float, float]] = (0.05, 3e-6)
    draws: ClassVar[int] = 1
    least_per_class: ClassVar[int] = 1
    least_classes: ClassVar[int] = 1

    def probe(
        self,
        split: SplitView,
        items: Sequence[int],
        *,
        seed: int,
        turn: int,
        original_logits: Callable[[Tensor], Tensor],
    ) -> Probe:
        return Probe(split.images(items), split.classes(items), split.masks(items), tuple(items))

    def scores(self, maps: Tensor, regions: Tensor) -> Tensor:
        return relevance_mass(maps, regions)

    def loss(self, maps: Tensor, regions: Tensor) -> Tensor:
        return mass_loss(maps, regions)
