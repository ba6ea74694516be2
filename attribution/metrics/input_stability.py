"""Input stability: how little a map changes with its input, to be fine-tuned on; with the published study's variant."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from attribution.metrics.base import Direction, Explained
from attribution.metrics.options import whole_number
from attribution.metrics.perturbation import (
    UNDEFINED_CHANGE,
    Copies,
    checked_scale,
    draws,
    explained_copies,
    known_change,
    largest,
    relative_change,
)
from attribution.metrics.plain_images import PlainImages
from attribution.metrics.undefined import Cause, defined, mean_where_defined

GUARD = 1e-9  # the published code's, against division by zero


@dataclass(frozen=True)
class InputStability(PlainImages):
    """How far the map moves when normal noise of standard deviation `noise` is added to the normalised input.

    The score is the largest change among `samples` noisy copies, explained for the image's class; lower is better.
    The loss is the mean over images of the change to one copy, drawn anew at every step.

    ``variant = "standard"``: the change is ||map(x') - map(x)|| / ||map(x)||, Euclidean norms over pixels. The loss's
    gradient goes through both maps.

    ``variant = "published"``: the sum over pixels of abs((m(x') - m(x)) / m(x)), divided by the sum over values of
    abs((x' - x) / x), with 1e-9 added to divisors; m is the map divided by its largest absolute value in the score,
    and by the sum of its absolute values in the loss, which takes m(x) as a constant. One zero in a map outweighs the
    rest of it: scores differ by orders of magnitude between images. The study took 20 samples, and explained the class
    that the network predicts; its weight 5e-6 and learning rate 3e-5 belong to this loss, and "standard" has none.

    A ratio from 0 upwards. Undefined (NaN) where the map of x is zero everywhere.
    """

    variant: Literal["standard", "published"] = "standard"
    noise: float = 0.05
    samples: int = 10

    name: ClassVar[str] = "InputStability"
    direction: ClassVar[Direction] = "lower"
    needs_masks: ClassVar[bool] = False
    learnable: ClassVar[bool] = True
    undefined: ClassVar[tuple[Cause, ...]] = UNDEFINED_CHANGE

    def __post_init__(self) -> None:
        if self.variant not in ("standard", "published"):
            raise ValueError(f"variant: {self.variant!r}: use 'standard' or 'published'")
        checked_scale("noise", self.noise)
        whole_number("samples", self.samples, 1)

    @property
    def published(self) -> tuple[float, float] | None:
        """The study's weight and learning rate, for its own loss only: the two losses differ in size."""
        return (5e-6, 3e-5) if self.variant == "published" else None

    def scores(self, explained: Explained) -> Tensor:
        inputs = explained.probe.inputs.detach().double()

        def change(some: Copies, maps: Tensor) -> Tensor:
            others = some.maps.double()
            if self.variant == "standard":
                return relative_change(maps, others)
            return published_change(_by_largest(maps), _by_largest(others), inputs[some.images], some.inputs.double())

        found = largest(explained, explained_copies(explained, "normal", self.noise, self.samples), change)
        return torch.where(defined(UNDEFINED_CHANGE, explained.maps), found, torch.full_like(found, torch.nan))

    def loss(self, explained: Explained) -> Tensor:
        probe = explained.probe
        inputs = probe.inputs.detach()
        noise = draws("normal", probe.seeds, [0] * len(inputs), inputs.shape[1:], like=inputs).mul_(self.noise)
        perturbed = noise.add_(inputs)
        others = explained.attributor(explained.network, perturbed, probe.targets, create_graph=True).maps
        if self.variant == "standard":
            return mean_where_defined(relative_change(explained.maps, others))
        maps = explained.maps.detach()
        known = known_change(maps, others)
        maps, others = (torch.where(known[:, None, None], each, 1.0) for each in (maps, others))
        change = published_change(_by_sum(maps), _by_sum(others), inputs, perturbed)
        return mean_where_defined(torch.where(known, change, torch.nan))


def published_change(maps: Tensor, others: Tensor, inputs: Tensor, perturbed: Tensor) -> Tensor:
    """The published study's relative change [N] of normalised maps [N, H, W] by that of inputs [N, 3, H, W]."""
    moved = ((perturbed - inputs) / (inputs + GUARD)).abs().flatten(1).sum(dim=1)
    change = ((others - maps) / (maps + GUARD)).abs().flatten(1).sum(dim=1)
    return change / (moved + GUARD)


def _by_largest(maps: Tensor) -> Tensor:
    return maps / (maps.abs().amax(dim=(1, 2), keepdim=True) + GUARD)


def _by_sum(maps: Tensor) -> Tensor:
    return maps / (maps.abs().sum(dim=(1, 2), keepdim=True) + GUARD)
