"""Focus (Arias-Duart et al. 2022): does the map of a class stay on that class's pictures in a mosaic?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from attribution.metrics.base import Direction, Explained, Probe
from attribution.metrics.options import whole_number
from attribution.metrics.relevance_mass import UNDEFINED_MASS, mass_loss, relevance_mass
from attribution.metrics.undefined import Cause
from attribution.split_view import SplitView


@dataclass(frozen=True)
class Focus:
    """Positive relevance in the target class's quadrants of a 2 x 2 mosaic, divided by all positive relevance.

    ``variant = "standard"``: two quadrants hold pictures of the target class, the image itself and another, the two
    others pictures of two other classes. ``variant = "published"``: four pictures of four classes; the target is the
    class, of those four, that the original network's logits put first in the mosaic, and one quadrant is its own. The
    image itself need not be the target then; such a mosaic gives the image no score of its own.

    ``tile = "half"`` halves the pictures, so a mosaic has the size of the network's input; ``"full"`` keeps them, and
    the network sees four times the pixels (it must accept that size).

    One mosaic says little about one image: its other three pictures matter as much. An exported image is scored on
    `draws` mosaics and has their mean.

    Mosaics are drawn from the split's own images, by the image's name and the seed.
    """

    variant: Literal["standard", "published"] = "standard"
    tile: Literal["half", "full"] = "half"
    draws: int = 4

    name: ClassVar[str] = "Focus"
    direction: ClassVar[Direction] = "higher"
    needs_masks: ClassVar[bool] = False
    learnable: ClassVar[bool] = True
    undefined: ClassVar[tuple[Cause, ...]] = UNDEFINED_MASS

    def __post_init__(self) -> None:
        if self.variant not in ("standard", "published"):
            raise ValueError(f"variant: {self.variant!r}: use 'standard' or 'published'")
        if self.tile not in ("half", "full"):
            raise ValueError(f"tile: {self.tile!r}: use 'half' or 'full'")
        whole_number("draws", self.draws, 1)

    @property
    def published(self) -> tuple[float, float] | None:
        """The study's weight and learning rate, for the mosaics it had: others have more of the class in them."""
        return (0.01, 3e-5) if self.variant == "published" else None

    @property
    def least_per_class(self) -> int:
        return 2 if self.variant == "standard" else 1

    @property
    def least_classes(self) -> int:
        return 3 if self.variant == "standard" else 4

    def probe(
        self,
        split: SplitView,
        items: Sequence[int],
        *,
        seed: int,
        turn: int,
        original_logits: Callable[[Tensor], Tensor],
    ) -> Probe:
        draw = self._two_of_the_class if self.variant == "standard" else self._four_classes
        placed = np.array([draw(split, item, split.draw(seed, item, turn)) for item in items])  # [N, 4] items
        tiles = split.images(placed.ravel().tolist())
        if self.tile == "half":
            size = (tiles.shape[2] // 2, tiles.shape[3] // 2)
            tiles = F.interpolate(tiles, size=size, mode="bilinear", align_corners=False, antialias=True)
        inputs = mosaic(tiles.unflatten(0, placed.shape))
        classes = split.classes(placed.ravel().tolist()).view(placed.shape)
        if self.variant == "standard":
            targets, own = split.classes(items), None
        else:
            shown = original_logits(inputs).gather(1, classes)
            targets = classes.gather(1, shown.argmax(dim=1, keepdim=True))[:, 0]
            own = targets == split.classes(items)
        quadrants = classes == targets[:, None]
        regions = quadrant_regions(quadrants, inputs.shape[2], inputs.shape[3])
        return Probe(inputs, targets, regions, None, split.seeds(seed, items, turn), own)

    def scores(self, explained: Explained) -> Tensor:
        found: Tensor = relevance_mass(explained.maps, explained.regions)
        return found

    def loss(self, explained: Explained) -> Tensor:
        return mass_loss(explained.maps, explained.regions)

    def _two_of_the_class(self, split: SplitView, item: int, rng: np.random.Generator) -> list[int]:
        own = int(split.targets[item])
        partner = rng.choice([other for other in split.by_class[own] if other != item])
        strangers = _one_of_each(split, [target for target in split.by_class if target != own], 2, rng)
        return [int(tile) for tile in rng.permutation([item, partner, *strangers])]

    def _four_classes(self, split: SplitView, item: int, rng: np.random.Generator) -> list[int]:
        own = int(split.targets[item])
        strangers = _one_of_each(split, [target for target in split.by_class if target != own], 3, rng)
        return [int(tile) for tile in rng.permutation([item, *strangers])]


def _one_of_each(split: SplitView, classes: list[int], count: int, rng: np.random.Generator) -> list[int]:
    """One image of each of `count` different classes."""
    return [int(rng.choice(split.by_class[int(target)])) for target in rng.choice(classes, size=count, replace=False)]


def mosaic(tiles: Tensor) -> Tensor:
    """Tiles [N, 4, C, h, w] (top left, top right, bottom left, bottom right) to pictures [N, C, 2h, 2w]."""
    top = torch.cat([tiles[:, 0], tiles[:, 1]], dim=3)
    bottom = torch.cat([tiles[:, 2], tiles[:, 3]], dim=3)
    return torch.cat([top, bottom], dim=2)


def quadrant_regions(quadrants: Tensor, height: int, width: int) -> Tensor:
    """Bool [N, 4] in the order of `mosaic` to regions, bool [N, height, width]."""
    rows = torch.arange(height, device=quadrants.device) >= height // 2
    columns = torch.arange(width, device=quadrants.device) >= width // 2
    position = 2 * rows[:, None].long() + columns[None, :].long()
    return quadrants[:, position]
