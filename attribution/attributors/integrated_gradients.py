"""IntegratedGradients: mean gradient on the way from a baseline to the image (Sundararajan et al. 2017, equation 1)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from attribution.attributors.base import Attribution
from attribution.attributors.gradients import attribution, twice_differentiable, weighted_gradient
from attribution.networks import Network

BASELINES = ("mean", "black", "white")


@dataclass(frozen=True)
class IntegratedGradients:
    """(image - baseline) times the mean gradient of the target's logit on the straight way between the two.

    Summed over colour channels: [N, H, W], signed, in logits. The mean is taken by Gauss-Legendre quadrature with
    `steps` points; as they grow, a map's sum goes to the difference of the logit at the image and at the baseline.
    The baseline is a grey of one value: the mean colour of the network's preprocessing (0 after normalisation), black
    or white. `batch` inputs go through the network at a time, which bounds memory, unless maps are made for a loss:
    then the graphs of all steps are kept, and fewer steps are the remedy. The gradient of such a loss is that of the
    sum over these points; where ReLUs change sides between them, the integral itself would have another one.
    """

    name: ClassVar[str] = "IntegratedGradients"
    differentiable: ClassVar[bool] = True

    steps: int = 50
    baseline: Literal["mean", "black", "white"] = "mean"
    batch: int = 32

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps: {self.steps}: take at least 1")
        if self.baseline not in BASELINES:
            raise ValueError(f"baseline: unknown {self.baseline!r} (known: {', '.join(BASELINES)})")
        if self.batch < 1:
            raise ValueError(f"batch: {self.batch}: take at least 1")

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        images = images.detach()
        nodes, weights = np.polynomial.legendre.leggauss(self.steps)
        start = self._start(network, images)
        gradient = weighted_gradient(
            network,
            images,
            targets,
            weights=[float(weight) / 2 for weight in weights],
            vary=lambda some, step: start + (float(nodes[step]) + 1) / 2 * (some - start),
            batch=self.batch,
            create_graph=create_graph,
        )
        with torch.set_grad_enabled(create_graph), twice_differentiable(create_graph):
            logits = network.logits(images)
        return attribution(((images - start) * gradient).sum(dim=1), logits, create_graph=create_graph)

    def _start(self, network: Network, images: Tensor) -> Tensor:
        """The baseline as normalised values [3, 1, 1]."""
        if self.baseline == "mean":
            return images.new_zeros(3, 1, 1)
        level = 1.0 if self.baseline == "white" else 0.0
        mean, std = images.new_tensor(network.preprocessing.mean), images.new_tensor(network.preprocessing.std)
        return ((level - mean) / std)[:, None, None]
