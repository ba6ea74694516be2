"""GradCAM (Selvaraju et al. 2017, equations 1 and 2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from attribution.attributors.base import Attribution
from attribution.attributors.features import explained_features, upsampled
from attribution.attributors.gradients import attribution
from attribution.networks import Network


@dataclass(frozen=True)
class GradCAM:
    """relu of the sum over channels of (spatial mean of d score / dA_k) A_k at the network's feature layer.

    Bilinear to the size of the input. The layer's last output counts if the network calls the layer more than once.
    """

    name: ClassVar[str] = "GradCAM"
    differentiable: ClassVar[bool] = True

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        made = explained_features(network, images, targets, create_graph=create_graph)
        maps = self.from_features(made.features, made.gradient, images.shape[2:])
        return attribution(maps, made.logits, create_graph=create_graph)

    def from_features(self, features: Tensor, gradient: Tensor, size: Sequence[int]) -> Tensor:
        """Maps [N, *size] of features [N, K, h, w] and the gradient of the score with respect to them."""
        weights = gradient.mean(dim=(2, 3), keepdim=True)
        return upsampled(F.relu((weights * features).sum(dim=1)), size)
