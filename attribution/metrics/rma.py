"""Relevance mass accuracy (Arras et al. 2022, section 3)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from attribution.metrics.base import Direction, Explained
from attribution.metrics.maps_alone import MapsAlone
from attribution.metrics.relevance_mass import UNDEFINED_MASS, mass_loss, relevance_mass
from attribution.metrics.undefined import Array, Cause


@dataclass(frozen=True)
class RMA(MapsAlone):
    """Positive relevance inside the object's mask (or box), divided by all positive relevance: a share in [0, 1].

    Undefined for a map without positive relevance and for an empty mask; 1 for every map if the mask covers the image.
    """

    name: ClassVar[str] = "RMA"
    direction: ClassVar[Direction] = "higher"
    needs_masks: ClassVar[bool] = True
    learnable: ClassVar[bool] = True
    undefined: ClassVar[tuple[Cause, ...]] = UNDEFINED_MASS

    @property
    def published(self) -> tuple[float, float] | None:
        """The study's weight and learning rate."""
        return (0.05, 3e-6)

    def of_maps(self, maps: Array, masks: Array) -> Array:
        return relevance_mass(maps, masks)

    def loss(self, explained: Explained) -> Tensor:
        return mass_loss(explained.maps, explained.regions)
