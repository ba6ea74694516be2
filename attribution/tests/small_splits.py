"""A small data set in memory, as metrics and trainers see it."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from attribution.images import Decoded, Preprocessing
from attribution.split_view import SplitView


@dataclass(frozen=True)
class PreciseView(SplitView):
    """Images in another floating point type than the usual float32."""

    dtype: torch.dtype = torch.float32

    def images(self, items: "list[int] | tuple[int, ...]") -> Tensor:  # type: ignore[override]
        return super().images(items).to(self.dtype)


def small_split(
    *, classes: int, per_class: int, size: int, dtype: torch.dtype = torch.float32, seed: int = 3
) -> PreciseView:
    """Random images with a rectangle as their mask; class of item i is i modulo `classes`."""
    rng = np.random.default_rng(seed)
    count = classes * per_class
    masks = np.zeros((count, size, size), dtype=bool)
    for mask in masks:
        top, left = rng.integers(0, size // 2, size=2)
        mask[top : top + size // 2, left : left + size // 2] = True
    decoded = Decoded(
        images=rng.integers(0, 256, size=(count, size, size, 3), dtype=np.uint8),
        masks=masks,
        readable=np.ones(count, dtype=bool),
        unreadable=(),
        empty_masks=(),
    )
    return PreciseView(
        name="train",
        members=tuple(range(count)),
        decoded=decoded,
        targets=np.arange(count, dtype=np.int64) % classes,
        names=tuple(f"image-{index}" for index in range(count)),
        preprocessing=Preprocessing(size=size, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), fit="squash"),
        device=torch.device("cpu"),
        dtype=dtype,
    )
