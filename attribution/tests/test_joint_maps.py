from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attribution.attributors import ATTRIBUTORS, Attribution, Attributor
from attribution.attributors.gradcam import GradCAM
from attribution.attributors.guided_backprop import GuidedBackprop
from attribution.attributors.joint import explain
from attribution.attributors.saliency import Saliency
from attribution.errors import InputError
from attribution.networks import Network
from attribution.prepared import prepared
from attribution.tests.small_networks import FunctionalReLU, NoReLU, PlainReLU, SmoothAfterReLU, network, some_images

TARGETS = torch.tensor([0, 1, 2, 3])
SHARING = ("GradCAM", "GradCAM++", "LayerCAM", "GuidedGradCAM", "GuidedBackprop")


class AroundTheLayer(nn.Module):
    """The images also reach the logits by a way around the feature layer, and a ReLU follows it."""

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.layer = nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6, classes)

    def forward(self, images: Tensor) -> Tensor:
        x = F.relu(self.stem(images))
        x = F.relu(self.layer(x), inplace=True) + x
        return self.head(torch.tanh(x.mean(dim=(2, 3))))  # type: ignore[no-any-return]


class LayerTwice(nn.Module):
    """The feature layer is a ReLU6 in place that is called twice."""

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.relu = nn.ReLU6(inplace=True)
        self.head = nn.Linear(6, classes)

    def forward(self, images: Tensor) -> Tensor:
        x = self.relu(self.second(self.relu(self.first(images))))
        return self.head(x.mean(dim=(2, 3)))  # type: ignore[no-any-return]


NETWORKS: dict[str, Callable[[], Network]] = {
    "no ReLU above": lambda: network(PlainReLU(), "features.4"),
    "ReLU above": lambda: network(PlainReLU(), "features.2"),
    "smooth, reused, in place": lambda: network(SmoothAfterReLU(), "third"),
    "every ReLU function": lambda: network(FunctionalReLU(), "convolutions.3"),
    "a way around": lambda: network(AroundTheLayer(), "layer"),
    "layer called twice": lambda: network(LayerTwice(), "relu"),
}


def passes(tested: Network, monkeypatch: pytest.MonkeyPatch, attributors: list[Attributor]) -> tuple[int, int]:
    """How many forward passes and how many calls of the autograd engine it takes."""
    forwards: list[None] = []
    backwards: list[None] = []
    plain = torch.autograd.grad

    def counted(*arguments: Any, **options: Any) -> tuple[Tensor, ...]:
        backwards.append(None)
        made: tuple[Tensor, ...] = plain(*arguments, **options)
        return made

    monkeypatch.setattr(torch.autograd, "grad", counted)
    tested.module.register_forward_pre_hook(lambda *_: forwards.append(None))
    explain(tested, attributors, some_images(), TARGETS)
    return len(forwards), len(backwards)


@pytest.mark.parametrize("which", NETWORKS)
@pytest.mark.parametrize(
    "names",
    [*[[name] for name in SHARING], ["GradCAM", "GuidedBackprop"], ["GradCAM", "LayerCAM"], [*SHARING, "Saliency"]],
    ids="+".join,
)
def test_each_map_is_bit_for_bit_what_its_attributor_makes_alone(which: str, names: list[str]) -> None:
    tested = NETWORKS[which]()
    attributors = [ATTRIBUTORS[name]() for name in names]
    made = explain(tested, attributors, some_images(), TARGETS)
    for attributor, found in zip(attributors, made, strict=True):
        alone = attributor(tested, some_images(), TARGETS)
        assert torch.equal(found.maps, alone.maps)
        assert torch.equal(found.logits, alone.logits)
        assert not found.maps.requires_grad


def test_two_ways_to_reach_the_images_are_both_in_the_guided_map() -> None:
    """Going on from the feature layer's gradient alone would lose the way around it."""
    tested = NETWORKS["a way around"]()
    images = some_images().requires_grad_()
    (plain,) = torch.autograd.grad(tested.logits(images).gather(1, TARGETS[:, None]).sum(), images)
    _, guided = explain(tested, [GradCAM(), GuidedBackprop()], some_images(), TARGETS)
    assert not torch.allclose(guided.maps, plain.sum(dim=1))
    assert torch.equal(guided.maps, GuidedBackprop()(tested, some_images(), TARGETS).maps)


@pytest.mark.parametrize(("which", "backward"), [("no ReLU above", 1), ("ReLU above", 2), ("layer called twice", 1)])
def test_one_forward_and_one_backward_pass_do_where_no_relu_follows(
    which: str, backward: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert passes(NETWORKS[which](), monkeypatch, [GradCAM(), GuidedBackprop()]) == (1, backward)


def test_class_activation_maps_share_their_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    cams = [ATTRIBUTORS[name]() for name in ("GradCAM", "GradCAM++", "LayerCAM")]
    assert passes(NETWORKS["ReLU above"](), monkeypatch, cams) == (1, 1)


def test_the_order_of_the_attributors_is_kept() -> None:
    tested = NETWORKS["no ReLU above"]()
    one = explain(tested, [GuidedBackprop(), Saliency(), GradCAM()], some_images(), TARGETS)
    other = explain(tested, [GradCAM(), GuidedBackprop(), Saliency()], some_images(), TARGETS)
    for first, second in zip((one[2], one[0], one[1]), other, strict=True):
        assert torch.equal(first.maps, second.maps)


def test_options_of_one_attributor_stay_its_own() -> None:
    @dataclass(frozen=True)
    class Scaled:
        """A user's attributor of the same features."""

        name: ClassVar[str] = "Scaled"
        differentiable: ClassVar[bool] = False
        factor: float = 2.0

        def __call__(
            self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False
        ) -> Attribution:
            made = GradCAM()(network, images, targets)
            return replace(made, maps=self.factor * made.maps)

        def from_features(self, features: Tensor, gradient: Tensor, size: list[int]) -> Tensor:
            return self.factor * GradCAM().from_features(features, gradient, size)

    plain, twice, thrice = explain(
        NETWORKS["no ReLU above"](), [GradCAM(), Scaled(), Scaled(3.0)], some_images(), TARGETS
    )
    torch.testing.assert_close(twice.maps, 2 * plain.maps)
    torch.testing.assert_close(thrice.maps, 3 * plain.maps)


def test_a_subclass_with_a_call_of_its_own_is_asked_itself() -> None:
    @dataclass(frozen=True)
    class Shifted(GradCAM):
        name: ClassVar[str] = "Shifted"

        def __call__(
            self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False
        ) -> Attribution:
            made = super().__call__(network, images, targets, create_graph=create_graph)
            return replace(made, maps=made.maps + 7)

    plain, shifted = explain(NETWORKS["no ReLU above"](), [GradCAM(), Shifted()], some_images(), TARGETS)
    assert torch.equal(shifted.maps, plain.maps + 7)


def test_a_subclass_that_changes_only_what_follows_from_features_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True)
    class Doubled(GradCAM):
        name: ClassVar[str] = "Doubled"

        def from_features(self, features: Tensor, gradient: Tensor, size: Sequence[int]) -> Tensor:
            return 2 * super().from_features(features, gradient, size)

    plain, doubled = explain(NETWORKS["no ReLU above"](), [GradCAM(), Doubled()], some_images(), TARGETS)
    assert torch.equal(doubled.maps, 2 * plain.maps)
    assert passes(NETWORKS["no ReLU above"](), monkeypatch, [GradCAM(), Doubled()]) == (1, 1)


@pytest.mark.parametrize("names", [["GuidedBackprop"], ["GradCAM", "GuidedBackprop"], ["GuidedGradCAM"]], ids="+".join)
def test_a_network_without_relu_is_refused_by_the_guided_methods(names: list[str]) -> None:
    with pytest.raises(InputError, match="reaches no ReLU"):
        explain(network(NoReLU(), "conv"), [ATTRIBUTORS[name]() for name in names], some_images(), TARGETS)


def test_nothing_stays_on_the_network_even_after_a_failure() -> None:
    tested = NETWORKS["no ReLU above"]()
    explain(tested, [GradCAM(), GuidedBackprop()], some_images(), TARGETS)
    with pytest.raises(InputError, match="head"):
        explain(replace(tested, layer="head"), [GradCAM(), GuidedBackprop()], some_images(), TARGETS)
    assert not any(child._forward_hooks or child._backward_hooks for child in tested.module.modules())


@pytest.mark.parametrize("which", NETWORKS)
def test_maps_of_prepared_networks_are_the_same_up_to_rounding(which: str) -> None:
    tested = NETWORKS[which]()
    attributors = [ATTRIBUTORS[name]() for name in SHARING]
    plain = explain(tested, attributors, some_images(), TARGETS)
    for one, other in zip(plain, explain(prepared(tested), attributors, some_images(), TARGETS), strict=True):
        torch.testing.assert_close(other.maps, one.maps, atol=1e-10 * float(one.maps.abs().max()), rtol=0)
