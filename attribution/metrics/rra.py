"""Relevance rank accuracy (Arras et al. 2022, section 3)."""

from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from attribution.metrics.base import Direction
from attribution.metrics.maps_alone import MapsAlone
from attribution.metrics.ranking import hits_among_top
from attribution.metrics.undefined import EMPTY_MASK, NO_POSITIVE_RELEVANCE, NOT_FINITE, Array, Cause, scored

UNDEFINED_RANKS = (NOT_FINITE, EMPTY_MASK, NO_POSITIVE_RELEVANCE)


def relevance_rank_accuracy(maps: Array, masks: Array) -> Array:
    """Share of each map's K highest pixels that lie in its mask, K being the size of the mask.

    Tied pixels count as if ties were broken at random (see `hits_among_top`); where fewer than K pixels have positive
    relevance, the others are tied.

    Args:
        maps: attribution maps [N, H, W] of a floating point type.
        masks: bool [N, H, W], of the same framework and device.

    Returns:
        float64 [N] in [0, 1]; NaN where the map has no positive value or values that are not finite, or the mask is
        empty. It is 1 for a mask that covers the whole image.
    """
    xp = array_namespace(maps, masks)
    # An empty mask has no score; one pixel keeps the arithmetic defined.
    counts = xp.clip(xp.astype(xp.count_nonzero(masks, axis=(1, 2)), xp.int64), 1, None)
    return scored(
        UNDEFINED_RANKS,
        maps,
        masks,
        lambda harmless: hits_among_top(harmless, masks, counts) / xp.astype(counts, xp.float64),
    )


@dataclass(frozen=True)
class RRA(MapsAlone):
    """Share in [0, 1] of the K most relevant pixels that lie in the object's mask (or box), K being the mask's size.

    Undefined for a map without positive relevance and for an empty mask; 1 for every map if the mask covers the image.
    """

    name: ClassVar[str] = "RRA"
    direction: ClassVar[Direction] = "higher"
    needs_masks: ClassVar[bool] = True
    learnable: ClassVar[bool] = False
    undefined: ClassVar[tuple[Cause, ...]] = UNDEFINED_RANKS

    def of_maps(self, maps: Array, masks: Array) -> Array:
        return relevance_rank_accuracy(maps, masks)
