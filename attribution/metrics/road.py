"""ROAD (Rong et al. 2022, sections 4 and 5): does the network lose the class with the pixels that a map ranks first?"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from attribution.metrics.base import Direction, Explained
from attribution.metrics.imputation import linear_imputation, neighbour_mean
from attribution.metrics.masking import (
    PUBLISHED_MASKING,
    TEMPERATURE,
    UNDEFINED_MASKING,
    answers_in_passes,
    blended,
    checked_variant,
    masked_similarity,
    places,
    probabilities,
    softly_removed,
    usable_for_loss,
)
from attribution.metrics.perturbation import draws, predictions
from attribution.metrics.plain_images import PlainImages
from attribution.metrics.undefined import Cause, defined

PERCENTAGES = (5, 14, 23, 32, 41, 50, 59, 68, 77, 86)


@dataclass(frozen=True)
class ROAD(PlainImages):
    """How well the network still knows the target when p % of the pixels are removed, the mean over p.

    Removed pixels are filled by `linear_imputation` and get normal noise of standard deviation `noise`, in units of
    pixel values from 0 to 1 as the authors have it, so `noise` / std in the network's input. The noise of an image
    follows from its seed.

    ``score = "accuracy"``: the share of percentages at which the network still answers the target (the mean over
    images is the authors' accuracy, averaged over percentages). ``score = "probability"``: the target's probability.

    ``order = "morf"``: the most relevant pixels are removed first. ``order = "lerf"``: the least relevant ones, p % of
    them; a good map keeps the class then, and the score is 1 minus the mean, so that lower is better either way.
    Ties are broken in a fixed, scattered order (`places`).

    In [0, 1]. Undefined (NaN) where the map has no positive relevance or values that are not finite.

    The loss is the masked similarity, mean of p(masked) / p (1 minus it for "lerf"), at one of the percentages for
    each image, drawn by its seed: over a fine-tuning all take part. ``variant = "differentiable"``: pixels are blended
    with what the imputation has for them by a sigmoid around the percentage's threshold, `temperature` in units of the
    map's standard deviation, so the gradient reaches the parameters through the map and through the masked image's
    answer. A pixel that is not removed is blended with the mean of its neighbours after the imputation, which is what
    the imputation would have for it. ``variant = "published"``: the mask is what the score removes, without a gradient.
    """

    percentages: tuple[float, ...] = PERCENTAGES
    order: Literal["morf", "lerf"] = "morf"
    score: Literal["accuracy", "probability"] = "accuracy"
    noise: float = 0.01
    variant: Literal["differentiable", "published"] = "differentiable"
    temperature: float = TEMPERATURE

    name: ClassVar[str] = "ROAD"
    direction: ClassVar[Direction] = "lower"
    needs_masks: ClassVar[bool] = False
    learnable: ClassVar[bool] = True
    undefined: ClassVar[tuple[Cause, ...]] = UNDEFINED_MASKING

    def __post_init__(self) -> None:
        # A list, as a config has it, would leave the metric without a hash.
        object.__setattr__(self, "percentages", tuple(self.percentages))
        if not self.percentages or not all(0 < percentage < 100 for percentage in self.percentages):
            raise ValueError(f"percentages: {self.percentages!r}: use numbers between 0 and 100, without either")
        if self.order not in ("morf", "lerf"):
            raise ValueError(f"order: {self.order!r}: use 'morf' or 'lerf'")
        if self.score not in ("accuracy", "probability"):
            raise ValueError(f"score: {self.score!r}: use 'accuracy' or 'probability'")
        if not 0 <= self.noise < math.inf:
            raise ValueError(f"noise: {self.noise!r}: use a number from 0, in units of pixel values from 0 to 1")
        checked_variant(self.variant, self.temperature)

    @property
    def published(self) -> tuple[float, float] | None:
        """The study's weight and learning rate, for its own loss only: most relevant pixels first, no gradient of the
        mask."""
        return PUBLISHED_MASKING if (self.variant, self.order) == ("published", "morf") else None

    def scores(self, explained: Explained) -> Tensor:
        probe = explained.probe
        known = defined(UNDEFINED_MASKING, explained.maps)
        scores = torch.full((len(known),), torch.nan, dtype=torch.float64, device=known.device)
        rows = known.nonzero()[:, 0]
        if len(rows) == 0:
            return scores
        counts = self._counts(explained.maps[0].numel())
        values = self._values(explained.maps.detach()[rows])
        removed = places(values)[:, None] < torch.tensor(counts, device=values.device)[None, :, None]
        removed = removed.unflatten(2, explained.maps.shape[1:])
        inputs = probe.inputs.detach()[rows]
        filled = linear_imputation(inputs, removed)
        for turn in range(len(counts)):
            noise = self._noise(explained, rows, turn)
            filled[:, turn] += noise * removed[:, turn, None]
        pictures = filled.flatten(0, 1)
        logits = answers_in_passes(explained.network, len(pictures), lambda points: pictures[points], pictures.device)
        targets = probe.targets[rows].repeat_interleave(len(counts))
        if self.score == "accuracy":
            points = (predictions(explained.network, logits) == targets).double()
        else:
            points = probabilities(logits.double(), targets)
        means = points.view(len(rows), len(counts)).mean(dim=1)
        scores[rows] = means if self.order == "morf" else 1 - means
        return scores

    def loss(self, explained: Explained) -> Tensor:
        kept = masked_similarity(explained, usable_for_loss(explained.maps), lambda rows: self._masked(explained, rows))
        return kept if self.order == "morf" else 1 - kept

    def _masked(self, explained: Explained, rows: Tensor) -> Tensor:
        images = explained.probe.inputs.detach()[rows]
        maps = explained.maps[rows]
        counts = self._counts(maps[0].numel())
        drawn = [_drawn(explained.probe.seeds[row], len(counts)) for row in rows.tolist()]
        chosen = torch.tensor([counts[turn] for turn in drawn], device=maps.device)
        noise = torch.cat([self._noise(explained, rows[place, None], turn) for place, turn in enumerate(drawn)])
        strength, removed = softly_removed(self._values(maps), chosen, self.temperature)
        removed = removed.unflatten(1, maps.shape[1:])
        filled = linear_imputation(images, removed)
        if self.variant == "published":
            noisy: Tensor = filled + noise * removed[:, None]
            return noisy
        # Which pixels are removed changes in jumps only: the fill has no gradient of its own.
        return blended(images, neighbour_mean(filled) + noise, strength.unflatten(1, maps.shape[1:]))

    def _values(self, maps: Tensor) -> Tensor:
        """What is removed from the highest value down, [N, H * W]."""
        return maps.flatten(1) if self.order == "morf" else -maps.flatten(1)

    def _counts(self, pixels: int) -> list[int]:
        """Pixels to remove at each percentage: rounded down as the authors do, at least one."""
        return [max(1, int(pixels * percentage / 100)) for percentage in self.percentages]

    def _noise(self, explained: Explained, rows: Tensor, turn: int) -> Tensor:
        """Noise [len(rows), 3, H, W] of the percentage at place `turn`."""
        inputs = explained.probe.inputs
        seeds = [explained.probe.seeds[row] for row in rows.tolist()]
        std = torch.tensor(explained.network.preprocessing.std, dtype=inputs.dtype, device=inputs.device)
        noise: Tensor = draws("normal", seeds, [turn] * len(seeds), inputs.shape[1:], like=inputs)
        scaled: Tensor = noise * (self.noise / std[:, None, None])
        return scaled


def _drawn(seed: int, choices: int) -> int:
    """The percentage's place that this image's loss takes."""
    return int(np.random.default_rng(seed).integers(choices))
