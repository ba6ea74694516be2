"""Saliency: the gradient of the class score with respect to the image (Simonyan et al. 2013, section 3)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from attribution.attributors.base import Attribution
from attribution.attributors.gradients import attribution, input_gradient, over_channels
from attribution.networks import Network


@dataclass(frozen=True)
class Saliency:
    """Gradient of the target's logit with respect to the normalised pixels [N, H, W], in logits per unit of input.

    Channels are reduced by their largest absolute value, as published; with `signed` by their sum.
    """

    name: ClassVar[str] = "Saliency"
    differentiable: ClassVar[bool] = True

    signed: bool = False

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        gradient, logits = input_gradient(network, images, targets, create_graph=create_graph)
        return attribution(over_channels(gradient, signed=self.signed), logits, create_graph=create_graph)
