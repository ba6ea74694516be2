"""IROF (Rieger and Hansen 2020, section 2): does the network lose the class with the superpixels a map ranks first?"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from attribution.metrics.base import Direction, Explained
from attribution.metrics.masking import (
    PUBLISHED_MASKING,
    TEMPERATURE,
    UNDEFINED_MASKING,
    blended,
    checked_variant,
    masked_similarity,
    places,
    probabilities,
    removal_curve,
    softly_removed,
    usable_for_loss,
)
from attribution.metrics.options import whole_number
from attribution.metrics.plain_images import PlainImages
from attribution.metrics.superpixels import superpixels
from attribution.metrics.undefined import Cause, defined

LABELS = 2**15  # what superpixels are counted in


@dataclass(frozen=True)
class IROF(PlainImages):
    """Area over the curve of p(l superpixels removed) / p(image), l = 0 ... L, where p is the target's probability.

    The L superpixels of an image (SLIC, about `segments` of them) are removed one by one, those with the highest mean
    relevance first, by giving them the image's mean colour. The area is 1 minus the trapezoidal mean over l, so it
    does not depend on L: 1 where the class is lost at once, 0 where it is never, negative where p grows. Ties are
    broken in a fixed, scattered order (`places`).

    Undefined (NaN) where the map has no positive relevance or values that are not finite, or p(image) is 0.

    The loss is the masked similarity, mean of p(masked) / p, where a number of superpixels from 1 to L - 1, drawn by
    the image's seed, is removed. ``variant = "differentiable"``: each superpixel is blended with the mean colour by a
    sigmoid of its mean relevance around the threshold, `temperature` in units of the standard deviation of the
    superpixels' means, so the gradient reaches the parameters through the map and through the masked image's answer.
    ``variant = "published"``: superpixels are removed as for the score, without a gradient to the map. An image with
    fewer than two superpixels, or with the same mean relevance in all, takes no part.
    """

    segments: int = 100
    variant: Literal["differentiable", "published"] = "differentiable"
    temperature: float = TEMPERATURE

    name: ClassVar[str] = "IROF"
    direction: ClassVar[Direction] = "higher"
    needs_masks: ClassVar[bool] = False
    learnable: ClassVar[bool] = True
    undefined: ClassVar[tuple[Cause, ...]] = UNDEFINED_MASKING

    def __post_init__(self) -> None:
        whole_number("segments", self.segments, 2, LABELS - 1)
        checked_variant(self.variant, self.temperature)

    @property
    def published(self) -> tuple[float, float] | None:
        """The study's weight and learning rate, for its own loss only: the other one has a gradient through the map."""
        return PUBLISHED_MASKING if self.variant == "published" else None

    def scores(self, explained: Explained) -> Tensor:
        maps, inputs = explained.maps.detach(), explained.probe.inputs.detach()
        before = probabilities(explained.logits.detach().double(), explained.probe.targets)
        known = defined(UNDEFINED_MASKING, maps) & (before > 0)
        scores = torch.full((len(maps),), torch.nan, dtype=torch.float64, device=maps.device)
        images = known.nonzero()[:, 0].tolist()
        if not images:
            return scores
        labels = superpixels(inputs, explained.network.preprocessing, segments=self.segments)
        numbers = [int(labels[image].max()) + 1 for image in images]
        order = torch.zeros_like(labels)
        for image, number in zip(images, numbers, strict=True):
            means = segment_means(maps[image].double(), labels[image], number)
            order[image] = places(means[None])[0][labels[image]]
        rows = torch.cat([torch.full((number,), image) for image, number in zip(images, numbers, strict=True)])
        counts = torch.cat([torch.arange(1, number + 1) for number in numbers])
        mean_colours = inputs.mean(dim=(2, 3), keepdim=True).expand_as(inputs)
        curve = removal_curve(explained, inputs, mean_colours, order, rows.to(maps.device), counts.to(maps.device))
        for image, points in zip(images, curve.split(numbers), strict=True):
            scores[image] = area_over_curve(points / before[image])
        return scores

    def loss(self, explained: Explained) -> Tensor:
        probe, maps = explained.probe, explained.maps
        usable = usable_for_loss(maps)
        labels = superpixels(probe.inputs, explained.network.preprocessing, segments=self.segments)
        # A map that is not finite takes no part, and must not spoil the others' gradients.
        means = [
            segment_means(each, segmented, int(segmented.max()) + 1) if ok else each.new_zeros(1)
            for each, segmented, ok in zip(maps, labels, usable.tolist(), strict=True)
        ]
        several = torch.tensor([bool(mean.detach().max() > mean.detach().min()) for mean in means])

        def masked(rows: Tensor) -> Tensor:
            strengths = [self._strength(means[row], labels[row], probe.seeds[row]) for row in rows.tolist()]
            images = probe.inputs.detach()[rows]
            return blended(images, images.mean(dim=(2, 3), keepdim=True), torch.stack(strengths))

        return masked_similarity(explained, usable & several.to(usable.device), masked)

    def _strength(self, means: Tensor, labels: Tensor, seed: int) -> Tensor:
        """How far each pixel [H, W] is removed."""
        count = 1 + int(np.random.default_rng(seed).integers(len(means) - 1))
        counts = torch.tensor([count], device=means.device)
        soft, removed = softly_removed(means[None], counts, self.temperature)
        strength = soft[0] if self.variant == "differentiable" else removed[0].to(soft.dtype)
        return strength[labels]


def segment_means(values: Tensor, labels: Tensor, number: int) -> Tensor:
    """Mean of the values [H, W] in each of `number` segments, [number]."""
    flat = labels.flatten()
    sums = values.new_zeros(number).index_add(0, flat, values.flatten())
    return sums / torch.bincount(flat, minlength=number).to(values.dtype)


def area_over_curve(points: Tensor) -> Tensor:
    """1 minus the mean of the trapezoids under (1, points[0], ..., points[L - 1]); a number."""
    return 1 - (points.sum() + (1 - points[-1]) / 2) / len(points)
