"""Guided GradCAM: GradCAM times GuidedBackprop (Selvaraju et al. 2017, section 3.2)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from attribution.attributors.base import Attribution
from attribution.attributors.features import explained_features
from attribution.attributors.gradcam import GradCAM
from attribution.attributors.gradients import attribution, target_score
from attribution.attributors.guided_backprop import GuidedReLU, refuse_compiled, refuse_unreached
from attribution.networks import Network


@dataclass(frozen=True)
class GuidedGradCAM:
    """GradCAM, bilinear to the size of the input, times the guided gradient, summed over colour channels [N, H, W].

    Both come from one forward pass; GradCAM's own gradient is the plain one. Signed: the guided gradient is.
    """

    name: ClassVar[str] = "GuidedGradCAM"
    differentiable: ClassVar[bool] = True

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        refuse_compiled(network, self.name)
        inputs = images.detach().requires_grad_()
        rule = GuidedReLU(differentiate=create_graph)
        rule.active = False
        with rule:
            made = explained_features(network, inputs, targets, create_graph=create_graph, keep_graph=True)
        refuse_unreached(network, rule, self.name)
        rule.active = True
        try:
            with torch.enable_grad():
                (guided,) = torch.autograd.grad(target_score(made.logits, targets), inputs, create_graph=create_graph)
        finally:
            rule.active = False
        cam = GradCAM().from_features(made.features, made.gradient, images.shape[2:])
        return attribution(cam * guided.sum(dim=1), made.logits, create_graph=create_graph)
