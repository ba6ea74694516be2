"""Sparseness (Chalasani et al. 2020): the Gini index of absolute relevance (Hurley and Rickard 2009, table I)."""

from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace, is_torch_array
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

UNDEFINED_SPARSENESS = (NOT_FINITE, NO_RELEVANCE)


def sparseness(maps: Array) -> Array:
    """Gini index of each map's absolute values a: sum_i (2 i - n - 1) a_(i) / (n sum_i a_i), a_(1) <= ... <= a_(n).

    Args:
        maps: attribution maps [N, H, W] of a floating point type; n = H * W.

    Returns:
        float64 [N] in [0, 1 - 1 / n]: 0 if all values are equal, 1 - 1 / n if one pixel has all relevance; NaN where
        the map is zero everywhere or holds values that are not finite, with a gradient of zero there.
    """
    xp = array_namespace(maps)
    size = maps.shape[-2] * maps.shape[-1]

    def gini(maps: Array) -> Array:
        values = xp.reshape(relative_sizes(maps), (-1, size))
        # Tied values differ in weight, so a gradient wants an order that can be repeated; NumPy sorts faster without.
        ascending = xp.sort(values, axis=1, stable=is_torch_array(maps))
        weights = xp.arange(1 - size, size, 2, dtype=xp.float64, device=maps.device)
        return xp.sum(ascending * weights, axis=1) / (size * xp.sum(ascending, axis=1))

    return scored(UNDEFINED_SPARSENESS, maps, None, gini)


def sparseness_loss(maps: Tensor) -> Tensor:
    """1 - mean sparseness over the maps where it is defined, in [1 / n, 1]; 0 where there is none.

    In the maps' own type.
    """
    return mean_where_defined(1 - sparseness(maps)).to(maps.dtype)


@dataclass(frozen=True)
class Sparseness(MapsAlone):
    """Gini index of the map's absolute values: 0 if all pixels are equal, towards 1 if few pixels have all relevance.

    The loss is 1 - sparseness. Undefined for a map that is zero everywhere.
    """

    name: ClassVar[str] = "Sparseness"
    direction: ClassVar[Direction] = "higher"
    needs_masks: ClassVar[bool] = False
    learnable: ClassVar[bool] = True
    undefined: ClassVar[tuple[Cause, ...]] = UNDEFINED_SPARSENESS

    @property
    def published(self) -> tuple[float, float] | None:
        """The published study did not have this metric."""
        return None

    def of_maps(self, maps: Array, masks: Array) -> Array:
        return sparseness(maps)

    def loss(self, explained: Explained) -> Tensor:
        return sparseness_loss(explained.maps)
