"""SmoothGrad: the mean gradient over noisy copies of the image (Smilkov et al. 2017, section 2)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from attribution.attributors.base import Attribution
from attribution.attributors.gradients import attribution, over_channels, twice_differentiable, weighted_gradient
from attribution.networks import Network


@dataclass(frozen=True)
class SmoothGrad:
    """Mean over `samples` of the gradient of the target's logit at the image plus Gaussian noise [N, H, W].

    The noise has the standard deviation `noise` times (largest - smallest value of the image), as published. It
    follows from `seed` and is the same for every image, so that a map depends on its image alone. Channels are
    reduced as by Saliency, after the mean: largest absolute value, or the sum if `signed`. With one sample and no
    noise it is Saliency. `batch` inputs go through the network at a time, which bounds memory, unless maps are made
    for a loss: then the graphs of all samples are kept.
    """

    name: ClassVar[str] = "SmoothGrad"
    differentiable: ClassVar[bool] = True

    samples: int = 25
    noise: float = 0.15
    seed: int = 0
    signed: bool = False
    batch: int = 32

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ValueError(f"samples: {self.samples}: take at least 1")
        if not 0 <= self.noise < float("inf"):
            raise ValueError(f"noise: {self.noise}: take a share of the image's range, 0 or more")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed: {self.seed}: take a number from 0 to 2^63 - 1")
        if self.batch < 1:
            raise ValueError(f"batch: {self.batch}: take at least 1")

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        images = images.detach()
        drawn = self.draw(images)

        def noisy(some: Tensor, sample: int) -> Tensor:
            spread = some.amax(dim=(1, 2, 3), keepdim=True) - some.amin(dim=(1, 2, 3), keepdim=True)
            return some + self.noise * spread * drawn[sample]

        weights = [1 / self.samples] * self.samples
        gradient = weighted_gradient(
            network, images, targets, weights, noisy, batch=self.batch, create_graph=create_graph
        )
        with torch.set_grad_enabled(create_graph), twice_differentiable(create_graph):
            logits = network.logits(images)
        return attribution(over_channels(gradient, signed=self.signed), logits, create_graph=create_graph)

    def draw(self, images: Tensor) -> Tensor:
        """Standard normal noise [samples, 3, H, W], the same on every device and in every precision."""
        generator = torch.Generator().manual_seed(self.seed)
        return torch.randn((self.samples, *images.shape[1:]), generator=generator).to(images)
