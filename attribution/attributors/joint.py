"""Maps of several attributors for the same images."""

from collections.abc import Sequence

from torch import Tensor

from attribution.attributors.base import Attribution, Attributor
from attribution.networks import Network


def explain(network: Network, attributors: Sequence[Attributor], images: Tensor, targets: Tensor) -> list[Attribution]:
    """What each attributor makes of `images` [N, 3, H, W] for the classes `targets` [N], in their order."""
    return [attributor(network, images, targets) for attributor in attributors]
