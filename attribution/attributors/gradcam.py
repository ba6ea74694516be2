"""GradCAM (Selvaraju et al. 2017, equations 1 and 2)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
        maps = self.from_features(features, gradient, images.shape[2:])
        return Attribution(maps, logits) if create_graph else Attribution(maps.detach(), logits.detach())

    def from_features(self, features: Tensor, gradient: Tensor, size: Sequence[int]) -> Tensor:
        """Maps [N, *size] of features [N, K, h, w] and the gradient of the score for them."""
        weights = gradient.mean(dim=(2, 3), keepdim=True)
        coarse = F.relu((weights * features).sum(dim=1, keepdim=True))
        return F.interpolate(coarse, size=tuple(size), mode="bilinear", align_corners=False)[:, 0]


def logits_and_features(network: Network, images: Tensor) -> tuple[Tensor, Tensor]:
    """Logits [N, classes] and the feature map [N, K, h, w] they were made from, connected by a graph."""
    with feature_outputs(network) as outputs, torch.enable_grad():
        logits = network.logits(images)
    return logits, last_feature_map(network, outputs)


@contextmanager
def feature_outputs(network: Network, first_copied: int = 1) -> Iterator[list[Tensor]]:
    """A list that each call of the feature layer inside the block adds its output to, with a graph.

    From the call number `first_copied` on, what follows works on a copy: an in-place ReLU must not change the map
    that is explained. Whoever knows how often the layer is called spares the copies of outputs that do not count.
    """
    outputs: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        if not output.requires_grad:
            output = output.detach().requires_grad_()
        outputs.append(output)
        return output.clone() if len(outputs) >= first_copied else output

    handle = network.feature_layer().register_forward_hook(keep)
    try:
        yield outputs
    finally:
        handle.remove()


def last_feature_map(network: Network, outputs: Sequence[Tensor]) -> Tensor:
    """The last of the feature layer's outputs. InputError if it is no feature map [N, K, h, w]."""
    if not outputs or outputs[-1].ndim != 4:
        shape = tuple(outputs[-1].shape) if outputs else "nothing"
        raise InputError(
            f"network {network.name}: layer {network.layer!r} puts out {shape}, not a feature map [N, K, h, w]: "
            "set network.layer to the last convolutional layer"
        )
    return outputs[-1]
