"""Infidelity (Yeh et al. 2019, definition 2.1)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from attribution.metrics.base import Direction, Explained
from attribution.metrics.options import whole_number
from attribution.metrics.perturbation import checked_scale, draws, passes
from attribution.metrics.plain_images import PlainImages
from attribution.metrics.undefined import NO_RELEVANCE, NOT_FINITE, Cause

# Defaults.
NOISE, SIDE = 0.2, 0.25


@dataclass(frozen=True)
class Infidelity(PlainImages):
    """Mean over perturbations I of (I . map - (f(x) - f(x - I)))^2, f being the logit of the explained class.

    A map has one value per pixel while I changes three channels; a perturbation is therefore such that I . map is what
    the attributions of the channels, which the map sums up, would give:

    ``perturbation = "noise"``: I is normal noise of standard deviation `noise` in units of the normalised input, the
    same in all channels; I . map is the sum over pixels of I x map. For maps that say how the logit changes with the
    input (gradients summed over channels).

    ``perturbation = "square"``: I is the input itself inside a square at a random place, of `side` times the image's
    height and width, so that the mean colour stays; I . map is the sum of the map inside the square. For maps that
    say what a pixel contributes (gradient x input, relevance).

    With `scaled`, the map is first multiplied by the number that makes the score least, the mean of I . map x
    (f(x) - f(x - I)) divided by that of (I . map)^2 (the paper's optimal scaling): maps such as GradCAM's have no
    unit, and a change of scale is no change of what they say.

    A squared logit, from 0 upwards. Undefined (NaN) with `scaled` where I . map is zero for every perturbation.
    """

    perturbation: Literal["noise", "square"] = "noise"
    noise: float = NOISE
    side: float = SIDE
    samples: int = 20
    scaled: bool = True

    name: ClassVar[str] = "Infidelity"
    direction: ClassVar[Direction] = "lower"
    needs_masks: ClassVar[bool] = False
    learnable: ClassVar[bool] = False
    undefined: ClassVar[tuple[Cause, ...]] = (NOT_FINITE, NO_RELEVANCE)

    def __post_init__(self) -> None:
        if self.perturbation not in ("noise", "square"):
            raise ValueError(f"perturbation: {self.perturbation!r}: use 'noise' or 'square'")
        checked_scale("noise", self.noise)
        if type(self.scaled) is not bool:
            raise ValueError(f"scaled: {self.scaled!r}: use true or false, without quotes")
        if not 0 < self.side <= 1:
            raise ValueError(f"side: {self.side!r}: use a share of the image's side above 0 and up to 1")
        unused, default = ("side", SIDE) if self.perturbation == "noise" else ("noise", NOISE)
        if getattr(self, unused) != default:
            raise ValueError(f"{unused}: perturbation = {self.perturbation!r} has no {unused}: leave it out")
        # With one perturbation there is always a scale that makes the error zero.
        whole_number("samples", self.samples, 2 if self.scaled else 1)

    def scores(self, explained: Explained) -> Tensor:
        probe, network = explained.probe, explained.network
        maps, inputs = explained.maps.detach().double(), probe.inputs.detach()
        before = _of_targets(explained.logits.detach(), probe.targets)
        told = torch.zeros(len(maps), self.samples, dtype=torch.float64, device=maps.device)
        found = torch.zeros_like(told)
        for images, samples in passes(len(maps), self.samples):
            places, turns = torch.tensor([images, samples], device=maps.device)
            seeds = [probe.seeds[image] for image in images]
            weights = self._weights(seeds, samples, inputs)
            change = weights if self.perturbation == "noise" else weights * inputs[places]
            with torch.no_grad():
                after = _of_targets(network.logits(inputs[places] - change), probe.targets[places])
            told[places, turns] = (weights[:, 0].double() * maps[places]).sum(dim=(1, 2))
            found[places, turns] = before[places] - after
        return infidelity(told, found, scaled=self.scaled)

    def _weights(self, seeds: list[int], samples: list[int], inputs: Tensor) -> Tensor:
        """What the map is multiplied with, [M, 1, H, W]."""
        height, width = inputs.shape[2:]
        if self.perturbation == "noise":
            return draws("normal", seeds, samples, (1, height, width), like=inputs).mul_(self.noise)
        sides = [max(1, round(length * self.side)) for length in (height, width)]
        corners = (draws("uniform", seeds, samples, (2,), like=inputs) + 1) / 2
        inside = []
        for axis, (length, side) in enumerate(zip((height, width), sides, strict=True)):
            first = (corners[:, axis, None] * (length - side + 1)).floor()
            place = torch.arange(length, device=inputs.device)
            inside.append((place >= first) & (place < first + side))
        return (inside[0][:, None, :, None] & inside[1][:, None, None, :]).to(inputs.dtype)


def infidelity(told: Tensor, found: Tensor, *, scaled: bool) -> Tensor:
    """Mean squared difference [N] of what the map tells and what is found, both [N, samples]; see `Infidelity`."""
    if scaled:
        power = told.square().sum(dim=1)
        defined = power > 0
        scale = (told * found).sum(dim=1) / torch.where(defined, power, torch.ones_like(power))
        told = told * torch.where(defined, scale, torch.full_like(scale, torch.nan))[:, None]
    return (told - found).square().mean(dim=1)


def _of_targets(logits: Tensor, targets: Tensor) -> Tensor:
    return logits.gather(1, targets[:, None])[:, 0].double()
