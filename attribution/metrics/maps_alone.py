"""Metrics that look at maps and masks alone, whatever network or framework made the maps."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from attribution.metrics.base import Direction, Explained
from attribution.metrics.plain_images import PlainImages
from attribution.metrics.undefined import Array, Cause


class MapsAlone(PlainImages, ABC):
    """The part of a metric that says: the score of a map follows from the map, and its mask if the metric needs masks.

    `undefined` lists why a score can be undefined; `attribution.metrics.undefined.undefined_reasons` says it per map.
    """

    name: ClassVar[str]
    direction: ClassVar[Direction]
    undefined: ClassVar[tuple[Cause, ...]]

    @abstractmethod
    def of_maps(self, maps: Array, masks: Array) -> Array:
        """Scores, float64 [N], of maps [N, H, W] with masks, bool [N, H, W], of any framework; NaN where undefined.

        `masks` is None for a metric that needs none.
        """

    def scores(self, explained: Explained) -> Tensor:
        found: Tensor = self.of_maps(explained.maps, explained.regions if self.needs_masks else None)
        return found
