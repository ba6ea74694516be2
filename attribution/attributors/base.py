"""What every attributor does."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from attribution.networks import Network


@dataclass(frozen=True)
class Attribution:
    """Maps [N, H, W], signed where the method is, and the logits [N, classes] of the forward pass they came from.

    With ``create_graph`` both carry a graph to the network's parameters; whatever rule bent the gradient of the maps
    is off by then, so one backward pass through maps and logits together is exact.
    """

    maps: Tensor
    logits: Tensor


class Attributor(Protocol):
    """Makes attribution maps from (network, images, targets)."""

    name: str
    differentiable: bool

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        """Maps of `images` [N, 3, H, W] for the classes `targets` [N]."""
        ...
