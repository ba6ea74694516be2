"""What masking metrics share: the order of removal, the network's answers to masked images, and the loss.

The loss is the published study's masked similarity: mean over images of p(masked image) / p(image), where p is the
target's probability.
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from attribution.metrics.base import Explained
from attribution.metrics.undefined import NO_POSITIVE_RELEVANCE, NOT_FINITE, Cause, defined
from attribution.networks import Network

UNDEFINED_MASKING: tuple[Cause, ...] = (NOT_FINITE, NO_POSITIVE_RELEVANCE)
# Weight and learning rate of the published masked trainer, as its public code has them (there the weight is also
# multiplied by the last batch's agreement, which a checkpoint's trust stands for here).
PUBLISHED_MASKING = (0.1, 3e-5)
# A masked image's probability counts at most this many times the image's own: beyond it one image would outweigh every
# other, and float32 overflows.
LARGEST_RATIO = 1e6
# Images in one forward pass without gradients.
PASS = 64

TEMPERATURE = 0.1
VARIANTS = ("differentiable", "published")


def checked_variant(variant: str, temperature: float) -> None:
    """ValueError unless it is one of `VARIANTS`, with a temperature that is finite, above zero and of use."""
    if variant not in VARIANTS:
        raise ValueError(f"variant: {variant!r}: use 'differentiable' or 'published'")
    if not 0 < temperature < float("inf"):
        raise ValueError(f"temperature: {temperature!r}: use a number above 0, in standard deviations of the map")
    if variant == "published" and temperature != TEMPERATURE:
        raise ValueError('temperature: variant = "published" has none: leave it out')


def places(values: Tensor) -> Tensor:
    """Place of each value [N, M] in its row's order, int64 [N, M]: 0 for the highest.

    Equal values follow one another in an order that is the same for all rows of a length and has nothing to do with
    where they lie: by position, the large areas of maps with equal values would be removed from the top.
    """
    shuffled = _shuffle(values.shape[1], values.device)
    order = shuffled[values.detach()[:, shuffled].argsort(dim=1, descending=True, stable=True)]
    steps = torch.arange(values.shape[1], device=values.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, steps)


@cache
def _shuffle(count: int, device: torch.device) -> Tensor:
    keys = np.random.SFC64(0).random_raw(count)
    return torch.from_numpy(np.argsort(keys, kind="stable")).to(device)


def probabilities(logits: Tensor, targets: Tensor) -> Tensor:
    """Softmax [N] over all classes, of each image's target."""
    return logits.softmax(dim=1).gather(1, targets[:, None])[:, 0]


def answers_in_passes(network: Network, count: int, images: Callable[[Tensor], Tensor], device: torch.device) -> Tensor:
    """Logits [count, classes] of ``images(indices)``, made a pass at a time, without a graph."""
    with torch.no_grad():
        parts = [network.logits(images(chunk)) for chunk in torch.arange(count, device=device).split(PASS)]
    return torch.cat(parts)


def removal_curve(
    explained: Explained, start: Tensor, end: Tensor, order: Tensor, rows: Tensor, counts: Tensor
) -> Tensor:
    """The target's probability [M] where pixels of `start` have been replaced by those of `end`.

    Args:
        explained: whose network answers, for the probe's targets.
        start, end: images [N, 3, H, W].
        order: place in the order of removal of each pixel, int64 [N, H, W]; segments share a place.
        rows: for each point of a curve the image it belongs to, int64 [M].
        counts: for each point the number of places that are replaced, int64 [M].
    """

    def images(points: Tensor) -> Tensor:
        row = rows[points]
        gone = order[row] < counts[points, None, None]
        return torch.where(gone[:, None], end[row], start[row])

    logits = answers_in_passes(explained.network, len(rows), images, start.device)
    return probabilities(logits.double(), explained.probe.targets[rows])


def softly_removed(values: Tensor, counts: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """How far each value [N, M] counts as one of its row's highest, in [0, 1], with a gradient; and whether it is one.

    sigmoid((value - threshold) / (temperature * standard deviation of the row)); the threshold is halfway between the
    last of the `counts` [N] highest values and the next one, and has a gradient as well. Counts are from 1 to M - 1.
    Undefined for rows of one value.
    """
    place = places(values)
    around = torch.stack([counts - 1, counts], dim=1)
    positions = place.argsort(dim=1).gather(1, around)
    threshold = values.gather(1, positions).mean(dim=1, keepdim=True)
    scale = temperature * values.std(dim=1, keepdim=True)
    return torch.sigmoid((values - threshold) / scale), place < counts[:, None]


def masked_similarity(explained: Explained, usable: Tensor, masked: Callable[[Tensor], Tensor]) -> Tensor:
    """Mean of p(masked image) / p(image) over the `usable` images, bool [N]; 0 where there is none.

    ``masked(rows)`` gives the masked images of the rows int64 [M]. They go through the network as it is: whatever rule
    the attributor bent gradients by is off. An image whose probability is 0 takes no part. A ratio above
    `LARGEST_RATIO` counts as that, without a gradient.
    """
    before = _log_probabilities(explained.logits, explained.probe.targets)
    rows = (usable & (before.exp() > 0)).nonzero()[:, 0]
    if len(rows) == 0:
        nothing: Tensor = (explained.maps * 0).nan_to_num().sum()
        return nothing
    after = _log_probabilities(explained.network.logits(masked(rows)), explained.probe.targets[rows])
    ratio: Tensor = (after - before[rows]).clamp(max=math.log(LARGEST_RATIO)).exp()
    return ratio.mean()


def _log_probabilities(logits: Tensor, targets: Tensor) -> Tensor:
    return logits.log_softmax(dim=1).gather(1, targets[:, None])[:, 0]


def usable_for_loss(maps: Tensor) -> Tensor:
    """Where a loss by masking is defined, bool [N]: the metric is, and the map is not of one value throughout."""
    flat = maps.detach().flatten(1)
    known: Tensor = defined(UNDEFINED_MASKING, maps.detach())
    return known & (flat.amax(dim=1) > flat.amin(dim=1))


def blended(images: Tensor, fill: Tensor, strength: Tensor) -> Tensor:
    """Images [N, 3, H, W] moved towards `fill` by `strength` [N, H, W] in [0, 1]."""
    return images + strength[:, None].to(images.dtype) * (fill - images)
