"""Maps of several attributors for the same images, from one forward and, where that is exact, one backward pass."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from attribution.attributors.base import Attribution, Attributor
from attribution.attributors.features import logits_and_features, refuse_constant, used
from attribution.attributors.fused_guided_relu import FusedGuidedReLU
from attribution.attributors.gradcam import GradCAM
from attribution.attributors.gradients import target_score
from attribution.attributors.guided_backprop import GuidedBackprop, refuse_compiled, refuse_unreached
from attribution.attributors.guided_gradcam import GuidedGradCAM
from attribution.networks import Network


@runtime_checkable
class FromFeatures(Attributor, Protocol):
    """An attributor whose map follows from the feature layer's output and the gradient of the score for it alone."""

    def from_features(self, features: Tensor, gradient: Tensor, size: Sequence[int]) -> Tensor:
        """Maps [N, *size] of features [N, K, h, w] and the gradient of the targets' logits with respect to them."""
        ...


_GUIDED = (GuidedBackprop, GuidedGradCAM)


def explain(network: Network, attributors: Sequence[Attributor], images: Tensor, targets: Tensor) -> list[Attribution]:
    """What each attributor makes of `images` [N, 3, H, W] for the classes `targets` [N], in their order.

    Class activation maps and guided maps share their passes through the network; each map is what its attributor
    makes alone. Maps carry no graph.
    """
    shared = [each for each in attributors if _shares(each)]
    passes = _passes(network, shared, images, targets) if shared else None
    return [
        passes.attribution(each, images) if passes and each in shared else each(network, images, targets)
        for each in attributors
    ]


def _shares(attributor: Attributor) -> bool:
    """Whether its maps follow from the shared passes: a subclass with a call of its own may do more than its base."""
    if type(attributor) in _GUIDED:
        return True
    caller = next(kind for kind in type(attributor).__mro__ if "__call__" in vars(kind))
    return isinstance(attributor, FromFeatures) and "from_features" in vars(caller)


@dataclass(frozen=True)
class _Passes:
    """What came out of the shared passes: logits, features [N, K, h, w] with their gradient, guided gradient."""

    logits: Tensor
    features: Tensor | None
    gradient: Tensor | None
    guided: Tensor | None

    def attribution(self, attributor: Attributor, images: Tensor) -> Attribution:
        if isinstance(attributor, FromFeatures):
            maps = self._from_features(attributor, images)
        elif type(attributor) is GuidedGradCAM:
            maps = self._from_features(GradCAM(), images) * self._guided()
        else:
            maps = self._guided()
        return Attribution(maps, self.logits)

    def _from_features(self, attributor: FromFeatures, images: Tensor) -> Tensor:
        assert self.features is not None
        assert self.gradient is not None
        # Sums over channels in the images' number format, whatever the network computes in.
        features, gradient = self.features.to(images.dtype), self.gradient.to(images.dtype)
        return attributor.from_features(features, gradient, images.shape[2:])

    def _guided(self) -> Tensor:
        assert self.guided is not None
        return self.guided.sum(dim=1)


def _passes(network: Network, attributors: Sequence[Attributor], images: Tensor, targets: Tensor) -> _Passes:
    kinds = [type(each) for each in attributors]
    with_features = any(kind is not GuidedBackprop for kind in kinds)
    guided_kind = next((kind for kind in kinds if kind in _GUIDED), None)
    if guided_kind is None:
        logits, features = logits_and_features(network, images)
        score = target_score(logits, targets)
        refuse_constant(network, score)
        (gradient,) = torch.autograd.grad(score, features, allow_unused=True)
        return _Passes(logits.detach(), features.detach(), used(network, gradient), None)
    refuse_compiled(network, guided_kind.name)
    inputs = images.detach().requires_grad_()
    rule = FusedGuidedReLU()
    with torch.enable_grad(), rule:
        if not with_features:
            logits = network.logits(inputs)
        else:
            with _counting_above(network, rule) as reached:
                logits, features = logits_and_features(network, inputs)
    refuse_unreached(network, rule, guided_kind.name)
    score = target_score(logits, targets)
    if not with_features:
        (guided,) = torch.autograd.grad(score, inputs)
        return _Passes(logits.detach(), None, None, guided)
    if rule.reached == reached[-1]:
        # No ReLU after the layer: down to there the guided gradient is the plain one.
        gradient, guided = torch.autograd.grad(score, (features, inputs), allow_unused=True)
    else:
        rule.active = False
        (gradient,) = torch.autograd.grad(score, features, retain_graph=True, allow_unused=True)
        rule.active = True
        (guided,) = torch.autograd.grad(score, inputs)
    return _Passes(logits.detach(), features.detach(), used(network, gradient), guided)


@contextmanager
def _counting_above(network: Network, rule: FusedGuidedReLU) -> Iterator[list[int]]:
    """A list of how many ReLUs the rule had reached at each call's end of the feature layer."""
    reached: list[int] = []
    handle = network.feature_layer().register_forward_hook(lambda *_: reached.append(rule.reached))
    try:
        yield reached
    finally:
        handle.remove()
