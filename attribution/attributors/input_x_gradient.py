"""InputXGradient: each pixel times its gradient (Shrikumar et al. 2016, arXiv 1605.01713, section 2)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from attribution.attributors.base import Attribution
from attribution.attributors.gradients import attribution, input_gradient
from attribution.networks import Network


@dataclass(frozen=True)
class InputXGradient:
    """Normalised pixels times the gradient of the target's logit, summed over colour channels [N, H, W], in logits.

    Signed. On a network without biases that is piecewise linear, the map's sum is the logit itself.
    """

    name: ClassVar[str] = "InputXGradient"
    differentiable: ClassVar[bool] = True

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        gradient, logits = input_gradient(network, images, targets, create_graph=create_graph)
        return attribution((images.detach() * gradient).sum(dim=1), logits, create_graph=create_graph)
