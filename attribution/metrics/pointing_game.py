"""Pointing game (Zhang et al. 2018, section 4.1): does the most relevant pixel lie on the object?"""

import math
from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from attribution.metrics.base import Direction
from attribution.metrics.maps_alone import MapsAlone
from attribution.metrics.undefined import EMPTY_MASK, NO_POSITIVE_RELEVANCE, NOT_FINITE, Array, Cause, scored

UNDEFINED_POINT = (NOT_FINITE, EMPTY_MASK, NO_POSITIVE_RELEVANCE)


def pointing_game(maps: Array, masks: Array, *, tolerance: float = 15) -> Array:
    """1 where a map's highest pixel is at most `tolerance` away from its mask, else 0.

    The distance is Euclidean, between the centres of pixels; 0 asks for a pixel of the mask itself. Where several
    pixels share the highest value, the score is the share of them that hit: what a random choice scores on average.

    Args:
        maps: attribution maps [N, H, W] of a floating point type.
        masks: bool [N, H, W], of the same framework and device.
        tolerance: in pixels of the map.

    Returns:
        float64 [N] in [0, 1]; NaN where the map has no positive value or values that are not finite, or the mask is
        empty.
    """
    return scored(UNDEFINED_POINT, maps, masks, lambda harmless: _share_of_hits(harmless, masks, tolerance))


def _share_of_hits(maps: Array, masks: Array, tolerance: float) -> Array:
    xp = array_namespace(maps, masks)
    highest = maps == xp.max(maps, axis=(1, 2), keepdims=True)
    image, row, column = xp.nonzero(highest)
    hit = _near(masks, image, row, column, tolerance)
    # The pixels come image by image: differences of running sums count the hits of each.
    points = xp.astype(xp.count_nonzero(highest, axis=(1, 2)), xp.int64)
    ends = xp.cumulative_sum(points, include_initial=True)
    hits = xp.take(xp.cumulative_sum(xp.astype(hit, xp.int64), include_initial=True), ends, axis=0)
    return xp.astype(hits[1:] - hits[:-1], xp.float64) / xp.astype(points, xp.float64)


def _near(masks: Array, image: Array, row: Array, column: Array, tolerance: float) -> Array:
    """Bool [P]: whether a pixel of the mask is within `tolerance` of each point (image, row, column), int64 [P]."""
    xp = array_namespace(masks)
    _, height, width = masks.shape
    # Pixels of the mask to the left of each place in a row: a stretch of a row holds one if the ends differ.
    before = xp.reshape(xp.cumulative_sum(xp.astype(masks, xp.int32), axis=2, include_initial=True), (-1,))
    near = xp.zeros(image.shape[0], dtype=xp.bool, device=masks.device)
    reach = min(math.floor(tolerance), height - 1)
    for step in range(-reach, reach + 1):
        half = min(math.floor(math.sqrt(tolerance**2 - step**2)), width)
        start = (image * height + xp.clip(row + step, 0, height - 1)) * (width + 1)
        low = xp.take(before, start + xp.clip(column - half, 0, width), axis=0)
        high = xp.take(before, start + xp.clip(column + half + 1, 0, width), axis=0)
        near = near | ((high > low) & (row + step >= 0) & (row + step < height))
    return near


@dataclass(frozen=True)
class PointingGame(MapsAlone):
    """1 where the most relevant pixel is at most `tolerance` away from the object's mask (or box), else 0.

    `tolerance` is a Euclidean distance in pixels of the map, 15 as published. Where several pixels share the highest
    value, the score is the share of them that hit. Undefined for a map without positive relevance and for an empty
    mask; 1 for every map if the mask covers the image.
    """

    tolerance: float = 15

    name: ClassVar[str] = "PointingGame"
    direction: ClassVar[Direction] = "higher"
    needs_masks: ClassVar[bool] = True
    learnable: ClassVar[bool] = False
    undefined: ClassVar[tuple[Cause, ...]] = UNDEFINED_POINT

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < math.inf:
            raise ValueError(f"tolerance: {self.tolerance!r}: use a distance in pixels, 0 or more")

    def of_maps(self, maps: Array, masks: Array) -> Array:
        return pointing_game(maps, masks, tolerance=self.tolerance)
