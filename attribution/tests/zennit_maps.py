"""Maps by zennit, with what it needs to be told about a network: the oracle of relevance propagation."""

from collections.abc import Callable, Sequence

import torch
from efficientnet_lite_pytorch.model import MBConvBlock
from torch import Tensor, nn
from zennit.attribution import Gradient
from zennit.canonizers import (
    AttributeCanonizer,
    Canonizer,
    CompositeCanonizer,
    NamedMergeBatchNorm,
    SequentialMergeBatchNorm,
)
from zennit.composites import EpsilonPlus, ExcitationBackprop
from zennit.core import Composite
from zennit.layer import Sum
from zennit.rules import Pass
from zennit.torchvision import ResNetBasicBlockCanonizer
from zennit.types import Activation, BatchNorm

# zennit's ExcitationBackprop multiplies by the derivative of activations, and of a BatchNorm that it does not merge.
PASSED = [(Activation, Pass()), (BatchNorm, Pass())]


class _WithoutEps:
    """A merged BatchNorm keeps its eps in zennit, and scales by 1 / sqrt(1 + eps), 5e-6 off the identity."""

    batch_norm: nn.BatchNorm2d

    def register(self, linears: object, batch_norm: nn.BatchNorm2d) -> None:
        super().register(linears, batch_norm)  # type: ignore[misc]
        self.eps, batch_norm.eps = batch_norm.eps, 0.0

    def remove(self) -> None:
        super().remove()  # type: ignore[misc]
        self.batch_norm.eps = self.eps


class MergedInOrder(_WithoutEps, SequentialMergeBatchNorm):  # type: ignore[misc]
    pass


class MergedByName(_WithoutEps, NamedMergeBatchNorm):  # type: ignore[misc]
    pass


def for_resnet() -> Canonizer:
    return CompositeCanonizer([MergedInOrder(), ResNetBasicBlockCanonizer()])


def _mbconv_forward(self: MBConvBlock, inputs: Tensor, drop_connect_rate: float | None = None) -> Tensor:
    """The block without squeeze and excitation, in eval mode, its sum as a module."""
    x: Tensor = inputs
    if self._block_args.expand_ratio != 1:
        x = self._swish(self._bn0(self._expand_conv(x)))
    x = self._bn2(self._project_conv(self._swish(self._bn1(self._depthwise_conv(x)))))
    if self._block_args.stride == 1 and self._block_args.input_filters == self._block_args.output_filters:
        x = self.canonizer_sum(torch.stack([x, inputs], dim=-1))
    return x


def for_efficientnet_lite(module: nn.Module) -> Canonizer:
    """By name: the convolutions have a child for padding, so that zennit does not see a BatchNorm follow them."""
    pairs = {"_conv_stem": "_bn0", "_conv_head": "_bn1"}
    inner = {"_expand_conv": "_bn0", "_depthwise_conv": "_bn1", "_project_conv": "_bn2"}
    for name, _ in module.named_modules():
        before, _, last = name.rpartition(".")
        if last in inner:
            pairs[name] = f"{before}.{inner[last]}"

    def attributes(_name: str, child: nn.Module) -> dict[str, object] | None:
        if not isinstance(child, MBConvBlock):
            return None
        return {"forward": _mbconv_forward.__get__(child), "canonizer_sum": Sum()}

    return CompositeCanonizer(
        [MergedByName([([conv], norm) for conv, norm in pairs.items()]), AttributeCanonizer(attributes)]
    )


def excitation_backprop(canonizers: Sequence[Canonizer] = (), *, bias: bool = True) -> Composite:
    return ExcitationBackprop(layer_map=PASSED, canonizers=list(canonizers), zero_params=None if bias else ["bias"])


def epsilon_plus(canonizers: Sequence[Canonizer] = ()) -> Composite:
    return EpsilonPlus(canonizers=list(canonizers))


def zennit_maps(composite: Composite, module: nn.Module, images: Tensor, start: Tensor) -> Tensor:
    """Relevance [N, H, W], summed over channels, of the images from that of the logits, `start` [N, classes]."""
    with Gradient(model=module, composite=composite) as attributor:
        _, relevance = attributor(images.clone().requires_grad_(), start)
    maps: Tensor = relevance.detach().sum(dim=1)
    return maps


def dual_maps(
    composite: Callable[[], Composite], module: nn.Module, last: nn.Module, images: Tensor, start: Tensor
) -> Tensor:
    """The same under Zhang's dual unit: weights and bias of the `last` layer negated."""
    _negate(last)
    try:
        return zennit_maps(composite(), module, images, start)
    finally:
        _negate(last)


def _negate(layer: nn.Module) -> None:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.neg_()


def one_hot(targets: Tensor, classes: int) -> Tensor:
    return torch.eye(classes, dtype=torch.float64)[targets]


def difference(maps: Tensor, expected: Tensor) -> float:
    """Largest difference relative to the largest entry expected."""
    return float((maps - expected).abs().max() / expected.abs().max())
