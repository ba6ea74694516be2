"""Relevance mass accuracy (Arras et al. 2022, section 3)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from attribution.metrics.base import Direction, Explained
from attribution.metrics.plain_images import PlainImages
from attribution.metrics.relevance_mass import mass_loss, relevance_mass


@dataclass(frozen=True)
class RMA(PlainImages):
    """Positive relevance inside the object's mask (or box), divided by all positive relevance."""

    name: ClassVar[str] = "RMA"
    direction: ClassVar[Direction] = "higher"
    needs_masks: ClassVar[bool] = True
    learnable: ClassVar[bool] = True
    published: ClassVar[tuple[float, float] | None] = (0.05, 3e-6)

    def scores(self, explained: Explained) -> Tensor:
        return relevance_mass(explained.maps.double(), explained.regions)

    def loss(self, explained: Explained) -> Tensor:
        return mass_loss(explained.maps, explained.regions)
