"""Relative input stability (Agarwal et al. 2022, equation 2)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from attribution.metrics.base import Direction, Explained
from attribution.metrics.options import whole_number
from attribution.metrics.perturbation import (
    UNDEFINED_CHANGE,
    Copies,
    checked_scale,
    explained_copies,
    largest,
    predictions,
)
from attribution.metrics.plain_images import PlainImages
from attribution.metrics.undefined import Cause, defined


@dataclass(frozen=True)
class RelativeInputStability(PlainImages):
    """Largest || (map(x) - map(x')) / map(x) || / max(|| (x - x') / x ||, eps) over inputs x' with the same prediction.

    Divisions are pixel by pixel, norms Euclidean, inputs normalised. `samples` inputs x' are drawn uniformly within
    `radius` of every value of x; those for which the network predicts another class than for x are left out. x' is
    explained for the class of x.

    Where x or its map is exactly zero, `eps` stands for it, as in Quantus. One such pixel outweighs all others: on maps
    that are zero somewhere (GradCAM's mostly are) the score says how far zeros move, in units of `eps`.

    A ratio from 0 upwards. Undefined (NaN) where the map of x is zero everywhere, and where every x' changes the
    prediction (Quantus: where any does).
    """

    radius: float = 0.02
    samples: int = 10
    eps: float = 1e-6

    name: ClassVar[str] = "RelativeInputStability"
    direction: ClassVar[Direction] = "lower"
    needs_masks: ClassVar[bool] = False
    learnable: ClassVar[bool] = False
    undefined: ClassVar[tuple[Cause, ...]] = UNDEFINED_CHANGE

    def __post_init__(self) -> None:
        checked_scale("radius", self.radius)
        whole_number("samples", self.samples, 1)
        if not 0 < self.eps < 1:
            raise ValueError(f"eps: {self.eps!r}: use a small number above 0")

    def scores(self, explained: Explained) -> Tensor:
        inputs = explained.probe.inputs.detach()
        predicted = predictions(explained.network, explained.logits)

        def ratio(some: Copies, maps: Tensor) -> Tensor:
            found = stability_ratio(maps, some.maps.double(), inputs[some.images], some.inputs, self.eps)
            kept = predictions(explained.network, some.logits) == predicted[some.images]
            return torch.where(kept, found, torch.full_like(found, -torch.inf))

        found = largest(explained, explained_copies(explained, "uniform", self.radius, self.samples), ratio)
        known = defined(UNDEFINED_CHANGE, explained.maps) & found.isfinite()
        return torch.where(known, found, torch.full_like(found, torch.nan))


def stability_ratio(maps: Tensor, others: Tensor, inputs: Tensor, perturbed: Tensor, eps: float) -> Tensor:
    """The quantity whose maximum is taken, [N] in the maps' type; maps [N, H, W], inputs [N, C, H, W]."""
    change = _relative_norm(maps, others, eps)
    moved = _relative_norm(inputs, perturbed, eps).to(change.dtype)
    return change / moved.clamp(min=eps)


def _relative_norm(values: Tensor, others: Tensor, eps: float) -> Tensor:
    quotient = (values - others) / torch.where(values == 0, torch.full_like(values, eps), values)
    norm: Tensor = torch.linalg.vector_norm(quotient.flatten(1), dim=1)
    return norm
