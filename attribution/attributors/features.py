"""The feature map that class activation maps explain: found by a hook, whatever form the layer puts it out in.

A layer may put out maps [N, K, h, w], maps with the channels last [N, h, w, K] (Swin), or tokens [N, T, K] (ViT), the
first of which may be class and register tokens. All are made maps [N, K, h, w] of the patches' places.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attribution.attributors.gradients import target_score, twice_differentiable
from attribution.errors import InputError
from attribution.networks import Network


@dataclass(frozen=True)
class Explained:
    """Logits [N, classes], the feature map [N, K, h, w] that they were made from, and the gradient [N, K, h, w] of the
    targets' logits with respect to it."""

    logits: Tensor
    features: Tensor
    gradient: Tensor


def explained_features(
    network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False, keep_graph: bool = False
) -> Explained:
    """What a class activation map is made of. With `keep_graph` a further backward pass is possible."""
    logits, features = logits_and_features(network, images, create_graph=create_graph)
    with torch.enable_grad():
        score = target_score(logits, targets)
    refuse_constant(network, score)
    (gradient,) = torch.autograd.grad(
        score, features, create_graph=create_graph, retain_graph=create_graph or keep_graph, allow_unused=True
    )
    return Explained(logits, features, used(network, gradient))


def refuse_constant(network: Network, score: Tensor) -> None:
    """InputError if the score depends on nothing that can change, and so not on the feature layer either."""
    if not score.requires_grad:
        raise _unused(network)


def used(network: Network, gradient: Tensor | None) -> Tensor:
    """The gradient of the score with respect to the feature map; InputError if there is none."""
    if gradient is None:
        raise _unused(network)
    return gradient


def _unused(network: Network) -> InputError:
    return InputError(
        f"network {network.name}: the logits do not depend on what layer {network.layer!r} puts out (when it is called "
        "last): set network.layer to a layer whose output is used"
    )


def upsampled(coarse: Tensor, size: Sequence[int]) -> Tensor:
    """Maps [N, H, W] of `size` (H, W) from maps [N, h, w], bilinear."""
    return F.interpolate(coarse[:, None], size=list(size), mode="bilinear", align_corners=False)[:, 0]


def logits_and_features(network: Network, images: Tensor, *, create_graph: bool = False) -> tuple[Tensor, Tensor]:
    """Logits [N, classes] and the feature map [N, K, h, w] they were made from, connected by a graph.

    With `create_graph` the graph can be differentiated twice. InputError if the layer puts out no feature map.
    """
    with torch.enable_grad(), twice_differentiable(create_graph), feature_outputs(network, images) as outputs:
        logits = network.logits(images)
    return logits, last_feature_map(network, outputs)


@dataclass(frozen=True)
class LayerOutput:
    """The feature map [N, K, h, w] that the layer put out, if it is one, and the shape that it came in."""

    features: Tensor | None
    shape: str


@contextmanager
def feature_outputs(network: Network, images: Tensor) -> Iterator[list[LayerOutput]]:
    """Collects what the feature layer puts out in forward passes of `images` inside the block, in order.

    The feature maps become part of the graph: the logits can be differentiated with respect to them.
    """
    outputs: list[LayerOutput] = []

    def keep(_module: nn.Module, _inputs: object, output: object) -> object:
        layout = _layout(output, images, network)
        if layout is None or not isinstance(output, Tensor):
            shape = str(tuple(output.shape)) if isinstance(output, Tensor) else f"a {type(output).__name__}"
            outputs.append(LayerOutput(None, shape))
            return output
        if not output.requires_grad:
            output = output.detach().requires_grad_()
        features = layout.to_map(output)
        outputs.append(LayerOutput(features, str(tuple(output.shape))))
        # What follows works on a copy: an in-place ReLU must not change the map that is explained.
        rest = layout.from_map(features, output)
        if layout.leading:
            _refuse_unread_patches(rest, layout.leading, network)
        return rest

    handle = network.feature_layer().register_forward_hook(keep)
    try:
        yield outputs
    finally:
        handle.remove()


def last_feature_map(network: Network, outputs: Sequence[LayerOutput]) -> Tensor:
    """The layer's last feature map [N, K, h, w]; InputError if its last output is none, or if it was not called."""
    last = outputs[-1] if outputs else LayerOutput(None, "nothing")
    if last.features is None:
        told = f" in the form layer_shape = {network.layer_shape!r}" if network.layer_shape else ""
        raise InputError(
            f"network {network.name}: layer {network.layer!r} puts out {last.shape}, not a feature map [N, K, h, w], "
            f"[N, h, w, K] or tokens [N, T, K]{told}: set network.layer to the last convolutional layer, or in a "
            "transformer to the first normalisation of its last block; set network.layer_shape if the shape alone "
            "does not tell"
        )
    return last.features


@dataclass(frozen=True)
class _Layout:
    """How a layer's output holds a feature map of h x w places, after `leading` tokens that have no place."""

    to_map: Callable[[Tensor], Tensor]
    from_map: Callable[[Tensor, Tensor], Tensor]
    leading: int = 0


def _layout(output: object, images: Tensor, network: Network) -> _Layout | None:
    """The form that ``network.layer_shape`` names, or else the only one that the output's shape allows."""
    if not isinstance(output, Tensor) or len(output) != len(images):
        return None
    wanted = network.layer_shape
    if output.ndim == 4:
        _, a, b, c = output.shape
        first, last = _alike(b, c, images), _alike(a, b, images)
        if wanted == "channels_last" or (wanted is None and last and not first):
            return _Layout(lambda out: out.permute(0, 3, 1, 2), lambda made, _: made.permute(0, 2, 3, 1).clone())
        # Where both would do, the channels come first, as everywhere in torch.
        if wanted == "channels_first" or (wanted is None and first):
            return _Layout(lambda out: out, lambda made, _: made.clone())
    if output.ndim == 3 and (wanted is None or wanted.startswith("tokens")):
        return _tokens(output.shape[1], wanted, images)
    return None


def _tokens(count: int, wanted: str | None, images: Tensor) -> _Layout | None:
    """Tokens row by row, after as many leading ones as `wanted` says; left open, none or one class token."""
    choices = (0, 1) if wanted is None else (int(wanted.partition("+")[2] or 0),)
    for leading in choices:
        grid = _grid(count - leading, images)
        if grid is not None:
            return _Layout(
                lambda out, leading=leading, grid=grid: out[:, leading:].transpose(1, 2).unflatten(2, grid),  # type: ignore[misc]
                lambda made, out, leading=leading: torch.cat(  # type: ignore[misc]
                    [out[:, :leading], made.flatten(2).transpose(1, 2)], dim=1
                ),
                leading,
            )
    return None


def _alike(height: int, width: int, images: Tensor) -> bool:
    """Whether height x width are the image's proportions, up to the rounding of strides."""
    H, W = images.shape[2:]
    return abs(height * W - width * H) < max(H, W)


def _grid(count: int, images: Tensor) -> tuple[int, int] | None:
    """The rows and columns of `count` places of the image's proportions; None if there are none such."""
    H, W = images.shape[2:]
    sides = [side for side in range(1, count + 1) if count % side == 0] if H != W else [isqrt(max(count, 0))]
    grids = [(h, count // h) for h in sides if h > 0 and h * (count // h) == count and _alike(h, count // h, images)]
    return min(grids, key=lambda grid: abs(grid[0] * W - grid[1] * H), default=None)


def _refuse_unread_patches(tokens: Tensor, leading: int, network: Network) -> None:
    """InputError in the backward pass if the logits are made from the leading tokens alone: all maps would be zero."""
    asked: list[bool] = []

    def look(gradient: Tensor) -> None:
        if asked:
            return  # only the first pass asks for the explanation
        asked.append(True)
        if not gradient[:, leading:].any() and gradient[:, :leading].any():
            raise InputError(
                f"network {network.name}: the logits do not depend on the patches' tokens at layer {network.layer!r}, "
                "but on the class token alone: set network.layer to the first normalisation of the last block"
            )

    if tokens.requires_grad:
        tokens.register_hook(look)
