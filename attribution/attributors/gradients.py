"""Gradients of a class's logit with respect to the image, made such that they can be differentiated again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from attribution.attributors.base import Attribution
from attribution.attributors.grouped_convolution import conv2d
from attribution.networks import Network


class _GroupedConvolutions(TorchFunctionMode):
    """Inside the block grouped convolutions are made such that their gradient is cheap to differentiate."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is F.conv2d:
            return conv2d(*args, **{"x" if key == "input" else key: value for key, value in (kwargs or {}).items()})
        return func(*args, **(kwargs or {}))


@contextmanager
def twice_differentiable(wanted: bool) -> Iterator[None]:
    """Where `wanted`, the gradients of a forward pass in this block can be differentiated, and at a bearable cost.

    Fused attention has no second derivative at all, and that of grouped convolutions is slow.
    """
    if not wanted:
        yield
        return
    with _GroupedConvolutions(), sdpa_kernel(SDPBackend.MATH):
        yield


def target_score(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum over the batch of each image's logit of its target; its gradient is each image's own."""
    return logits.gather(1, targets[:, None]).sum()


def input_gradient(
    network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False
) -> tuple[Tensor, Tensor]:
    """Gradient [N, 3, H, W] of the target's logit with respect to each image, and the logits [N, classes]."""
    inputs = images.detach().requires_grad_()
    with torch.enable_grad():
        with twice_differentiable(create_graph):
            logits = network.logits(inputs)
        (gradient,) = torch.autograd.grad(target_score(logits, targets), inputs, create_graph=create_graph)
    return gradient, logits


def weighted_gradient(
    network: Network,
    images: Tensor,
    targets: Tensor,
    weights: Sequence[float],
    vary: Callable[[Tensor, int], Tensor],
    *,
    batch: int,
    create_graph: bool = False,
) -> Tensor:
    """Sum over k of ``weights[k]`` times the gradient at ``vary(images, k)``, [N, 3, H, W].

    `vary` is also called with a part of the images. At most `batch` inputs go through the network at a time, which
    bounds memory; with `create_graph` all their graphs are kept.
    """
    parts = []
    for start in range(0, len(images), batch):
        some, own = images[start : start + batch], targets[start : start + batch]
        at_once = max(1, batch // len(some))
        total = torch.zeros_like(some)
        for first in range(0, len(weights), at_once):
            turns = range(first, min(first + at_once, len(weights)))
            inputs = torch.cat([vary(some, turn) for turn in turns])
            gradient, _ = input_gradient(network, inputs, own.repeat(len(turns)), create_graph=create_graph)
            of_turns = torch.tensor([weights[turn] for turn in turns], dtype=some.dtype, device=some.device)
            total = total + torch.tensordot(of_turns, gradient.unflatten(0, (len(turns), len(some))), dims=1)
        parts.append(total)
    return torch.cat(parts)


def over_channels(gradient: Tensor, *, signed: bool) -> Tensor:
    """Maps [N, H, W]: the sum over colour channels if `signed`, else their largest absolute value."""
    return gradient.sum(dim=1) if signed else gradient.abs().amax(dim=1)


def attribution(maps: Tensor, logits: Tensor, *, create_graph: bool) -> Attribution:
    """Maps and logits with their graph, if one was asked for."""
    return Attribution(maps, logits) if create_graph else Attribution(maps.detach(), logits.detach())
