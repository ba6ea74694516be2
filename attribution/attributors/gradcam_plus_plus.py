"""GradCAM++ (Chattopadhay et al. 2018, equations 15 to 19)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from attribution.attributors.base import Attribution
from attribution.attributors.features import explained_features, upsampled
from attribution.attributors.gradients import attribution
from attribution.networks import Network


@dataclass(frozen=True)
class GradCAMPlusPlus:
    """relu of the sum over channels of w_k A_k, where w_k = sum_xy alpha_k(x, y) relu(d score / dA_k(x, y)).

    At the network's feature layer, bilinear to the size of the input [N, H, W]. With g the gradient of the target's
    logit S, alpha = g^2 / (2 g^2 + g^3 sum_xy A_k): equation 19, which takes exp(S) as the score and S as piecewise
    linear in A. Only places where g > 0 count, and there alpha = 1 / (2 + g sum_xy A_k), which loses nothing to small
    gradients. The factor exp(S) that all of an image's weights share is left out: it scales the map and overflows.
    The published equation's weights are used, not those of the authors' program, which divides alpha by its sum.

    The method is meant for feature maps that are not negative; on others alpha may be negative. Where its denominator
    is 0, alpha is undefined and counts as 0.
    """

    name: ClassVar[str] = "GradCAM++"
    differentiable: ClassVar[bool] = True

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        made = explained_features(network, images, targets, create_graph=create_graph)
        maps = self.from_features(made.features, made.gradient, images.shape[2:])
        return attribution(maps, made.logits, create_graph=create_graph)

    def from_features(self, features: Tensor, gradient: Tensor, size: Sequence[int]) -> Tensor:
        """Maps [N, *size] of features [N, K, h, w] and the gradient of the score with respect to them."""
        denominator = 2 + gradient * features.sum(dim=(2, 3), keepdim=True)
        defined = denominator != 0
        alpha = torch.where(defined, 1 / torch.where(defined, denominator, torch.ones_like(denominator)), 0)
        weights = (alpha * F.relu(gradient)).sum(dim=(2, 3), keepdim=True)
        return upsampled(F.relu((weights * features).sum(dim=1)), size)
