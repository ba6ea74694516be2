"""What every attributor does."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

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
    """Makes attribution maps from (network, images, targets).

    A frozen dataclass whose fields are the method's options, each with a default; a value that makes no sense raises
    ValueError in ``__post_init__``. The map of an image depends on nothing but the network, the image and the target:
    not on batch mates, not on earlier calls. What is drawn at random follows from a `seed` among the options.
    """

    name: ClassVar[str]
    differentiable: ClassVar[bool]  # whether maps made with create_graph carry exact gradients for the parameters

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        """Maps of `images` [N, 3, H, W] for the classes `targets` [N]."""
        ...
