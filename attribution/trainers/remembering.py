"""A network that remembers what it was asked: selection looks at the same inputs at every validation."""

from dataclasses import replace
from hashlib import blake2b

import torch
from torch import Tensor, nn

from attribution.networks import Network


def remembering(network: Network) -> Network:
    """The same network, which computes its logits for a batch of inputs once.

    For a network that does not change and is asked without a graph. Logits are kept, inputs only as digests.
    """
    return replace(network, module=_Remembering(network.module))


class _Remembering(nn.Module):
    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.known: dict[tuple[str, tuple[int, ...], bytes], Tensor] = {}

    def forward(self, images: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            logits: Tensor = self.module(images)
            return logits
        content = images.detach().cpu().contiguous().numpy()
        key = (str(content.dtype), content.shape, blake2b(content.tobytes()).digest())
        if key not in self.known:
            self.known[key] = self.module(images)
        return self.known[key]
