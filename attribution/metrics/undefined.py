"""Where a score of a map is undefined, and why: one place for all metrics on maps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from array_api_compat import array_namespace
from torch import Tensor

Array = Any  # of any framework that array-api-compat knows


@dataclass(frozen=True)
class Cause:
    """Something that leaves a score undefined.

    `holds` takes maps [N, H, W] and masks, bool [N, H, W] or None, and gives bool [N].
    """

    reason: str
    holds: Callable[[Array, Array], Array]


def _not_finite(maps: Array, _masks: Array) -> Array:
    xp = array_namespace(maps)
    return ~xp.all(xp.isfinite(maps), axis=(1, 2))


def _empty_mask(_maps: Array, masks: Array) -> Array:
    return ~array_namespace(masks).any(masks, axis=(1, 2))


def _no_positive_relevance(maps: Array, _masks: Array) -> Array:
    return ~array_namespace(maps).any(maps > 0, axis=(1, 2))


def _no_relevance(maps: Array, _masks: Array) -> Array:
    return ~array_namespace(maps).any(maps != 0, axis=(1, 2))


# A map that meets several has the first of its metric's causes as the reason.
NOT_FINITE = Cause("NaN or infinite values in the map", _not_finite)
EMPTY_MASK = Cause("empty mask", _empty_mask)
NO_POSITIVE_RELEVANCE = Cause("no positive relevance", _no_positive_relevance)
NO_RELEVANCE = Cause("no relevance at all", _no_relevance)


def defined(causes: Sequence[Cause], maps: Array, masks: Array = None) -> Array:
    """Bool [N]: where none of the causes holds."""
    xp = array_namespace(maps)
    undefined = xp.zeros(maps.shape[0], dtype=xp.bool, device=maps.device)
    for cause in causes:
        undefined = undefined | cause.holds(maps, masks)
    return ~undefined


def undefined_reasons(causes: Sequence[Cause], maps: Array, masks: Array = None) -> list[str]:
    """For each map the reason why its score is undefined; an empty text where it is defined."""
    reasons = [""] * maps.shape[0]
    for cause in causes:
        holds = cause.holds(maps, masks)
        reasons = [reason or (cause.reason if bool(holds[place]) else "") for place, reason in enumerate(reasons)]
    return reasons


def scored(causes: Sequence[Cause], maps: Array, masks: Array, score: Callable[[Array], Array]) -> Array:
    """``score(maps)`` [N] where it is defined, NaN elsewhere.

    `score` sees ones in place of a map whose score is undefined: nothing is divided by zero, and the gradient of such
    a map is zero. ValueError for maps that are not [N, H, W] and for masks of another shape.
    """
    if maps.ndim != 3:
        raise ValueError(f"maps: {maps.ndim} dimensions: they are [N, H, W]")
    if masks is not None and masks.shape != maps.shape:
        raise ValueError(f"masks: shape {tuple(masks.shape)}: the maps have {tuple(maps.shape)}")
    xp = array_namespace(maps)
    known = defined(causes, maps, masks)
    harmless = xp.where(known[:, None, None], maps, 1.0)
    return xp.where(known, score(harmless), xp.nan)


def relative_sizes(maps: Array) -> Array:
    """abs(a) / max(abs(a)) of each map [N, H, W] in float64, whose sum does not overflow.

    For what does not depend on a map's scale. A map of zeros is divided by 0.
    """
    xp = array_namespace(maps)
    sizes = xp.astype(xp.abs(maps), xp.float64)
    return sizes / xp.max(sizes, axis=(1, 2), keepdims=True)


def mean_where_defined(values: Tensor) -> Tensor:
    """Mean of the values [N] that are not NaN; 0 where all are. The others get no gradient."""
    known = ~values.isnan()
    return torch.where(known, values, 0.0).sum() / known.sum().clamp(min=1)
