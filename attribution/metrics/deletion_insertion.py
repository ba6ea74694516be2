"""Deletion and insertion (Petsiuk et al. 2018, section 3.3): the target's probability as pixels go or come by rank."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from attribution.metrics.base import Direction, Explained
from attribution.metrics.masking import UNDEFINED_MASKING, places, removal_curve
from attribution.metrics.options import whole_number
from attribution.metrics.plain_images import PlainImages
from attribution.metrics.undefined import Cause, defined
from attribution.networks import Network

# The authors' blur for insertion: a Gaussian of standard deviation 5 on 11 pixels, at 224 px.
BLUR_SIGMA = 5.0
BLUR_RADIUS = 5

Baseline = Literal["mean", "black", "blur"]


class _AreaUnderCurve(PlainImages):
    """The part that deletion and insertion share."""

    steps: int
    baseline: Baseline

    needs_masks: ClassVar[bool] = False
    learnable: ClassVar[bool] = False
    undefined: ClassVar[tuple[Cause, ...]] = UNDEFINED_MASKING
    inserts: ClassVar[bool]

    def __post_init__(self) -> None:
        whole_number("steps", self.steps, 1)
        if self.baseline not in BASELINES:
            raise ValueError(f"baseline: {self.baseline!r}: use {', '.join(map(repr, BASELINES))}")

    def scores(self, explained: Explained) -> Tensor:
        maps, inputs = explained.maps.detach(), explained.probe.inputs.detach()
        known = defined(UNDEFINED_MASKING, maps)
        scores = torch.full((len(maps),), torch.nan, dtype=torch.float64, device=maps.device)
        images = known.nonzero()[:, 0]
        if len(images) == 0:
            return scores
        harmless = torch.where(known[:, None, None], maps, 0.0)
        order = places(harmless.flatten(1)).view(maps.shape)
        without = BASELINES[self.baseline](inputs, explained.network)
        start, end = (without, inputs) if self.inserts else (inputs, without)
        shares = torch.linspace(0, 1, self.steps + 1, dtype=torch.float64, device=maps.device)
        counts = (shares * maps[0].numel()).round().long()
        rows = images.repeat_interleave(len(counts))
        curve = removal_curve(explained, start, end, order, rows, counts.repeat(len(images)))
        scores[images] = torch.trapezoid(curve.view(len(images), -1), counts / maps[0].numel(), dim=1)
        return scores


@dataclass(frozen=True)
class Deletion(_AreaUnderCurve):
    """Area under the curve of the target's probability against the share of pixels removed, most relevant first.

    `steps` equal steps from the whole image to none of it, by the trapezoidal rule; the authors remove as many pixels
    at a time as a row has (224 steps at 224 px), which costs that many passes. What is removed shows the `baseline`:
    ``"mean"`` is the data set's mean colour, 0 in normalised images, as the authors have it; ``"black"`` is pixel
    value 0; ``"blur"`` the blurred image. Ties are broken in a fixed, scattered order (`places`).

    In [0, 1]. Undefined (NaN) where the map has no positive relevance or values that are not finite.
    """

    steps: int = 32
    baseline: Baseline = "mean"

    name: ClassVar[str] = "Deletion"
    direction: ClassVar[Direction] = "lower"
    inserts: ClassVar[bool] = False


@dataclass(frozen=True)
class Insertion(_AreaUnderCurve):
    """Area under the curve of the target's probability against the share of pixels shown, most relevant first.

    The rest shows the `baseline`, by default ``"blur"``: a Gaussian of standard deviation 5 on 11 x 11 pixels at 224
    px, and in proportion at other sizes, with the image mirrored at its border. Otherwise as `Deletion`.
    """

    steps: int = 32
    baseline: Baseline = "blur"

    name: ClassVar[str] = "Insertion"
    direction: ClassVar[Direction] = "higher"
    inserts: ClassVar[bool] = True


def blurred(images: Tensor) -> Tensor:
    """Images [N, C, H, W] without their detail: a Gaussian of standard deviation 5 at 224 px, cut off at 5 pixels."""
    scale = images.shape[-1] / 224
    radius = max(1, round(BLUR_RADIUS * scale))
    offsets = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
    weights = torch.exp(-(offsets**2) / (2 * (BLUR_SIGMA * scale) ** 2))
    weights = weights / weights.sum()
    channels = images.shape[1]
    padded = F.pad(images, (radius,) * 4, mode="reflect")
    rows = F.conv2d(padded, weights.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), groups=channels)
    return F.conv2d(rows, weights.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), groups=channels)


def _mean(images: Tensor, _network: Network) -> Tensor:
    return torch.zeros_like(images)


def _black(images: Tensor, network: Network) -> Tensor:
    mean, std = (
        torch.tensor(each, dtype=images.dtype, device=images.device)
        for each in (network.preprocessing.mean, network.preprocessing.std)
    )
    return (-mean / std).view(1, -1, 1, 1).expand_as(images)


def _blur(images: Tensor, _network: Network) -> Tensor:
    return blurred(images)


BASELINES: dict[str, Callable[[Tensor, Network], Tensor]] = {"mean": _mean, "black": _black, "blur": _blur}
