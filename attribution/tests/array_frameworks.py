"""The same arrays in every framework that metrics on maps are tested with."""

from collections.abc import Callable
from typing import Any, cast

import array_api_strict
import numpy as np
import torch

from attribution.metrics import Explained, Probe
from attribution.metrics.undefined import Array

FRAMEWORKS: dict[str, Callable[[np.ndarray], Array]] = {
    "numpy": lambda array: array,
    "torch": torch.from_numpy,
    "array-api-strict": array_api_strict.asarray,
}


def some_maps(seed: int = 0, *, count: int = 8, height: int = 9, width: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Signed maps, float64 [count, height, width] without ties, and random masks."""
    rng = np.random.default_rng(seed)
    masks = rng.random((count, height, width)) < 0.3
    masks[:, 0, 0] = True
    return rng.normal(size=(count, height, width)), masks


def trying_maps(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """`some_maps`, among them an empty and a full mask, and negative, zero, flat, tied and infinite maps."""
    maps, masks = some_maps(seed, count=12)
    maps[0] = -1
    maps[1] = 0
    maps[2] = 1
    maps[3, 2, 2] = np.nan
    maps[4, 0, 3] = np.inf
    maps[5] = np.maximum(maps[5], 0)
    maps[6] = np.round(maps[6])
    masks[7] = False
    masks[8] = True
    return maps, masks


def difference_between_frameworks(
    score: Callable[[Array, Array], Array], maps: np.ndarray, masks: np.ndarray, dtype: type = np.float64
) -> float:
    """Largest difference of ``score(maps, masks)`` to NumPy's; fails unless the same scores are undefined."""
    expected = score(maps.astype(dtype), masks)
    assert expected.dtype == np.float64
    largest = 0.0
    for made in FRAMEWORKS.values():
        found = score(made(maps.astype(dtype)), made(masks))
        assert type(found) is type(made(masks))
        values = np.asarray([float(value) for value in found])
        np.testing.assert_array_equal(np.isnan(values), np.isnan(expected))
        largest = max(largest, float(np.nanmax(np.abs(values - expected))))
    return largest


def explained(maps: torch.Tensor, masks: torch.Tensor | None) -> Explained:
    """Maps as a metric on maps alone gets them; it looks neither at network nor attributor."""
    count = len(maps)
    nothing = cast(Any, None)
    probe = Probe(nothing, torch.zeros(count, dtype=torch.long), masks, None, tuple(range(count)))
    return Explained(nothing, nothing, probe, maps, torch.zeros(count, 2))
