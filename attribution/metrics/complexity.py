"""Complexity (Bhatt, Weller and Moura 2020): the entropy of the pixels' shares of absolute relevance."""

import math
from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace
from torch import Tensor

from attribution.metrics.base import Direction, Explained
from attribution.metrics.maps_alone import MapsAlone
from attribution.metrics.undefined import (
    NO_RELEVANCE,
    NOT_FINITE,
    Array,
    Cause,
    mean_where_defined,
    relative_sizes,
    scored,
)

UNDEFINED_COMPLEXITY = (NOT_FINITE, NO_RELEVANCE)


def complexity(maps: Array) -> Array:
    """Entropy of each map's shares p = abs(a) / sum(abs(a)): - sum p ln p, with 0 ln 0 = 0.

    Args:
        maps: attribution maps [N, H, W] of a floating point type; n = H * W.

    Returns:
        float64 [N] in nats, in [0, ln n]: 0 if one pixel has all relevance, ln n if all values are equal in size; NaN
        where the map is zero everywhere or holds values that are not finite, with a gradient of zero there. A pixel of
        value zero gets no gradient: the slope of p ln p has no bound there.
    """
    xp = array_namespace(maps)

    def entropy(maps: Array) -> Array:
        values = relative_sizes(maps)
        shares = values / xp.sum(values, axis=(1, 2), keepdims=True)
        return -xp.sum(shares * xp.log(xp.where(shares > 0, shares, 1.0)), axis=(1, 2))

    return scored(UNDEFINED_COMPLEXITY, maps, None, entropy)


def complexity_loss(maps: Tensor) -> Tensor:
    """Mean complexity over the maps where it is defined, divided by ln n, in [0, 1]; 0 where there is none.

    In the maps' own type.
    """
    largest = math.log(max(maps.shape[-2] * maps.shape[-1], 2))
    return (mean_where_defined(complexity(maps)) / largest).to(maps.dtype)


@dataclass(frozen=True)
class Complexity(MapsAlone):
    """Entropy of the pixels' shares of absolute relevance, in nats: 0 if one pixel has it all, ln n if n share equally.

    The loss is complexity / ln n, so that it lies in [0, 1] for maps of every size. Undefined for a map that is zero
    everywhere.
    """

    name: ClassVar[str] = "Complexity"
    direction: ClassVar[Direction] = "lower"
    needs_masks: ClassVar[bool] = False
    learnable: ClassVar[bool] = True
    undefined: ClassVar[tuple[Cause, ...]] = UNDEFINED_COMPLEXITY

    @property
    def published(self) -> tuple[float, float] | None:
        """The published study did not have this metric."""
        return None

    def of_maps(self, maps: Array, masks: Array) -> Array:
        return complexity(maps)

    def loss(self, explained: Explained) -> Tensor:
        return complexity_loss(explained.maps)
