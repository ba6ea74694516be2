"""LayerCAM (Jiang et al. 2021, equations 6 and 7)."""

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
class LayerCAM:
    """relu of the sum over channels of relu(d score / dA_k) A_k, place by place, at the network's feature layer.

    Bilinear to the size of the input [N, H, W]. The score is the target's logit.
    """

    name: ClassVar[str] = "LayerCAM"
    differentiable: ClassVar[bool] = True

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        made = explained_features(network, images, targets, create_graph=create_graph)
        maps = self.from_features(made.features, made.gradient, images.shape[2:])
        return attribution(maps, made.logits, create_graph=create_graph)

    def from_features(self, features: Tensor, gradient: Tensor, size: Sequence[int]) -> Tensor:
        """Maps [N, *size] of features [N, K, h, w] and the gradient of the score with respect to them."""
        return upsampled(F.relu((F.relu(gradient) * features).sum(dim=1)), size)
