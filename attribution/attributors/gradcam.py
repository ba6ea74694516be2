"""GradCAM (Selvaraju et al. 2017, equations 1 and 2)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attribution.attributors.base import Attribution
from attribution.errors import InputError
from attribution.networks import Network


@dataclass(frozen=True)
class GradCAM:
    """relu of the sum over channels of (spatial mean of d score / dA_k) A_k at the network's feature layer.

    Bilinear to the size of the input. The layer's last output counts if the network calls the layer more than once.
    """

    name: ClassVar[str] = "GradCAM"
    differentiable: ClassVar[bool] = True

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        logits, features = logits_and_features(network, images)
        score = logits.gather(1, targets[:, None]).sum()
        (gradient,) = torch.autograd.grad(score, features, create_graph=create_graph)
        weights = gradient.mean(dim=(2, 3), keepdim=True)
        coarse = F.relu((weights * features).sum(dim=1, keepdim=True))
        maps = F.interpolate(coarse, size=images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
        return Attribution(maps, logits) if create_graph else Attribution(maps.detach(), logits.detach())


def logits_and_features(network: Network, images: Tensor) -> tuple[Tensor, Tensor]:
    """Logits [N, classes] and the feature map [N, K, h, w] they were made from, connected by a graph."""
    outputs: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        if not output.requires_grad:
            output = output.detach().requires_grad_()
        outputs.append(output)
        # What follows works on a copy: an in-place ReLU must not change the map that is explained.
        return output.clone()

    handle = network.feature_layer().register_forward_hook(keep)
    try:
        with torch.enable_grad():
            logits = network.logits(images)
    finally:
        handle.remove()
    if not outputs or outputs[-1].ndim != 4:
        shape = tuple(outputs[-1].shape) if outputs else "nothing"
        raise InputError(
            f"network {network.name}: layer {network.layer!r} puts out {shape}, not a feature map [N, K, h, w]: "
            "set network.layer to the last convolutional layer"
        )
    return logits, outputs[-1]
