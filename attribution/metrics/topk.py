"""Top-k intersection (Theiner et al. 2021): do the most relevant pixels lie on the object?"""

from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from attribution.metrics.base import Direction
from attribution.metrics.maps_alone import MapsAlone
from attribution.metrics.options import whole_number
from attribution.metrics.ranking import hits_among_top
from attribution.metrics.undefined import EMPTY_MASK, NO_POSITIVE_RELEVANCE, NOT_FINITE, Array, Cause, scored

UNDEFINED_TOP = (NOT_FINITE, EMPTY_MASK, NO_POSITIVE_RELEVANCE)


def topk_intersection(maps: Array, masks: Array, *, k: int = 1000) -> Array:
    """Share of each map's `k` highest pixels that lie in its mask.

    Tied pixels count as if ties were broken at random (see `hits_among_top`); where fewer than `k` pixels have positive
    relevance, the others are tied. A mask of fewer than `k` pixels keeps the score below 1.

    Args:
        maps: attribution maps [N, H, W] of a floating point type.
        masks: bool [N, H, W], of the same framework and device.
        k: pixels, from 1 to H * W.

    Returns:
        float64 [N] in [0, 1]; NaN where the map has no positive value or values that are not finite, or the mask is
        empty.

    Raises:
        ValueError: `k` is larger than a map.
    """
    xp = array_namespace(maps, masks)
    size = maps.shape[-2] * maps.shape[-1]
    if not 1 <= k <= size:
        raise ValueError(
            f"k: {k}: maps of {maps.shape[-2]} x {maps.shape[-1]} have {size} pixels: take k from 1 to {size}"
        )
    counts = xp.full((maps.shape[0],), k, dtype=xp.int64, device=maps.device)
    return scored(UNDEFINED_TOP, maps, masks, lambda harmless: hits_among_top(harmless, masks, counts) / k)


@dataclass(frozen=True)
class TopK(MapsAlone):
    """Share in [0, 1] of the `k` most relevant pixels that lie in the object's mask (or box).

    `k` counts pixels of the map; 1,000 (the default, as published) is 2 % of a map of 224 x 224. Undefined for a map
    without positive relevance and for an empty mask; 1 for every map if the mask covers the image.
    """

    k: int = 1000

    name: ClassVar[str] = "TopK"
    direction: ClassVar[Direction] = "higher"
    needs_masks: ClassVar[bool] = True
    learnable: ClassVar[bool] = False
    undefined: ClassVar[tuple[Cause, ...]] = UNDEFINED_TOP

    def __post_init__(self) -> None:
        whole_number("k", self.k, 1)

    def of_maps(self, maps: Array, masks: Array) -> Array:
        return topk_intersection(maps, masks, k=self.k)
