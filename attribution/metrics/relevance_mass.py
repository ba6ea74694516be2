"""Mass of relevance inside a region (Arras et al. 2022, section 3): the quantity behind RMA and Focus."""

from array_api_compat import array_namespace
from torch import Tensor

from attribution.metrics.undefined import (
    EMPTY_MASK,
    NO_POSITIVE_RELEVANCE,
    NOT_FINITE,
    Array,
    mean_where_defined,
    scored,
)

UNDEFINED_MASS = (NOT_FINITE, EMPTY_MASK, NO_POSITIVE_RELEVANCE)


def relevance_mass(maps: Array, regions: Array) -> Array:
    """Share of the positive mass of each map that lies in its region.

    Args:
        maps: attribution maps [N, H, W] of a floating point type; negative values count as zero.
        regions: bool [N, H, W], of the same framework and device.

    Returns:
        float64 [N] in [0, 1]; NaN where the map has no positive mass, holds values that are not finite, or the region
        is empty: the share is undefined there, and its gradient zero. It is 1 for a region that covers the whole image.
    """
    xp = array_namespace(maps, regions)

    def share(maps: Array) -> Array:
        positive = xp.where(maps > 0, maps, 0.0)
        total = xp.sum(positive, axis=(1, 2), dtype=xp.float64)
        inside = xp.sum(xp.where(regions, positive, 0.0), axis=(1, 2), dtype=xp.float64)
        return inside / total

    return scored(UNDEFINED_MASS, maps, regions, share)


def mass_loss(maps: Tensor, regions: Tensor) -> Tensor:
    """1 - mean relevance mass over the maps where it is defined; 0 where there is none. In the maps' own type."""
    return mean_where_defined(1 - relevance_mass(maps, regions)).to(maps.dtype)
