from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from zennit.canonizers import Canonizer
from zennit.composites import ExcitationBackprop as ZennitExcitationBackprop

from attribution.attributors.base import Attributor
from attribution.attributors.epsilon_plus import EpsilonPlus
from attribution.attributors.excitation_backprop import ExcitationBackprop
from attribution.networks import Network
from attribution.tests.relevance_networks import efficientnet_lite, functions, modules, resnet18, vgg16
from attribution.tests.small_networks import SIZE, PlainReLU, SmoothAfterReLU, network, some_images
from attribution.tests.zennit_maps import (
    MergedInOrder,
    difference,
    dual_maps,
    excitation_backprop,
    for_efficientnet_lite,
    for_resnet,
    one_hot,
    zennit_maps,
)

TARGETS = torch.tensor([0, 3, 1, 4])


def test_a_map_by_hand() -> None:
    """One pixel, linear: contributions 2 * 3, -1 * 1, 1 * 2 and the bias 2; 6 and 2 of 10 come from the image."""

    class Pixel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)

        def forward(self, images: Tensor) -> Tensor:
            return self.conv(images).flatten(1)  # type: ignore[no-any-return]

    tested = network(Pixel(), "conv", classes=2, size=1)
    with torch.no_grad():
        tested.module.conv.weight.copy_(torch.tensor([[2.0, -1, 1], [0, 0, 0]])[:, :, None, None])  # type: ignore[union-attr,operator]
        tested.module.conv.bias.copy_(torch.tensor([2.0, 0]))  # type: ignore[union-attr,operator]
    images = torch.tensor([3.0, 1, 2], dtype=torch.float64)[None, :, None, None]

    def made(attributor: Attributor) -> float:
        return round(attributor(tested, images, torch.tensor([0])).maps.item(), 4)

    assert made(ExcitationBackprop()) == 0.8
    assert made(ExcitationBackprop(bias=False)) == 1
    # Under the dual unit all relevance comes from the second channel.
    assert made(ExcitationBackprop(contrastive=True)) == -0.2
    # As a convolution of signed contributions it would be 7 of 9; EpsilonPlus uses ZPlus in convolutions.
    assert made(EpsilonPlus()) == 0.8


@pytest.mark.parametrize("bias", [True, False])
def test_maps_equal_zennits(bias: bool) -> None:
    tested, images = modules(), some_images()
    expected = zennit_maps(
        excitation_backprop([MergedInOrder()], bias=bias), tested.module, images, one_hot(TARGETS, 5)
    )
    assert difference(ExcitationBackprop(bias=bias)(tested, images, TARGETS).maps, expected) < 1e-12


def test_contrastive_maps_equal_two_passes_by_zennit() -> None:
    tested, images = modules(), some_images()
    start, last = one_hot(TARGETS, 5), tested.module.get_submodule("head")
    positive = zennit_maps(excitation_backprop([MergedInOrder()]), tested.module, images, start)
    dual = dual_maps(lambda: excitation_backprop([MergedInOrder()]), tested.module, last, images, start)
    made = ExcitationBackprop(contrastive=True)(tested, images, TARGETS).maps
    assert difference(made, positive - dual) < 1e-12
    assert difference(made, positive) > 1e-2


def test_operations_as_functions_and_in_place_make_the_same_maps_as_modules() -> None:
    images = some_images()
    expected = ExcitationBackprop()(modules(), images, TARGETS).maps
    torch.testing.assert_close(ExcitationBackprop()(functions(), images, TARGETS).maps, expected, atol=0, rtol=1e-12)


CANONIZERS: dict[str, tuple[Callable[[], Network], Callable[[nn.Module], Canonizer]]] = {
    "resnet18": (resnet18, lambda _module: for_resnet()),
    "vgg16": (vgg16, lambda _module: MergedInOrder()),
    "efficientnet-lite0": (efficientnet_lite, for_efficientnet_lite),
}


@pytest.mark.parametrize("which", CANONIZERS)
def test_maps_of_known_networks_equal_zennits(which: str) -> None:
    made, canonizer = CANONIZERS[which]
    tested, images, targets = made(), some_images(2, size=64), TARGETS[:2]
    composite = excitation_backprop([canonizer(tested.module)])
    expected = zennit_maps(composite, tested.module, images, one_hot(targets, 5))
    assert difference(ExcitationBackprop()(tested, images, targets).maps, expected) < 1e-11


def test_on_a_relu_network_zennits_own_composite_makes_the_same_maps() -> None:
    """Passing activations makes no difference there: a unit that ReLU silences gets no relevance anyway."""
    tested, images = resnet18(), some_images(1, size=64)
    expected = zennit_maps(
        ZennitExcitationBackprop(canonizers=[for_resnet()]), tested.module, images, one_hot(TARGETS[:1], 5)
    )
    assert difference(ExcitationBackprop()(tested, images, TARGETS[:1]).maps, expected) < 1e-11


def test_without_biases_a_map_sums_to_one() -> None:
    tested = network(PlainReLU(), "features.4")
    maps = ExcitationBackprop(bias=False, stabilizer=1e-12)(tested, some_images(), TARGETS).maps
    torch.testing.assert_close(maps.sum(dim=(1, 2)), torch.ones(4, dtype=torch.float64), atol=1e-8, rtol=0)
    assert maps.min() >= 0


@pytest.mark.parametrize("contrastive", [True, False])
def test_maps_do_not_depend_on_batch_mates(contrastive: bool) -> None:
    tested, images, attributor = functions(), some_images(), ExcitationBackprop(contrastive=contrastive)
    together = attributor(tested, images, TARGETS).maps
    alone = torch.cat([attributor(tested, images[i : i + 1], TARGETS[i : i + 1]).maps for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=1e-12)


VARIANTS: list[Attributor] = [
    ExcitationBackprop(),
    ExcitationBackprop(contrastive=True),
    ExcitationBackprop(bias=False),
    EpsilonPlus(),
    EpsilonPlus(contrastive=True),
]


@pytest.mark.parametrize("attributor", VARIANTS, ids=str)
def test_maps_and_logits_are_the_same_with_a_graph(attributor: Attributor) -> None:
    tested, images = functions(), some_images()
    with_graph, without = (attributor(tested, images, TARGETS, create_graph=graph) for graph in (True, False))
    torch.testing.assert_close(with_graph.maps.detach(), without.maps, atol=1e-14, rtol=1e-12)
    torch.testing.assert_close(without.logits, tested.logits(images).detach(), atol=0, rtol=0)
    assert not without.maps.requires_grad
    assert not without.logits.requires_grad


def loss(tested: Network, attributor: Attributor, images: Tensor) -> Tensor:
    made = attributor(tested, images, TARGETS, create_graph=True)
    pattern = torch.linspace(-1, 1, SIZE * SIZE, dtype=torch.float64).reshape(SIZE, SIZE).sin()
    return (made.maps * pattern).square().sum() * 100 + made.logits.square().sum()


@pytest.mark.parametrize("attributor", VARIANTS, ids=str)
def test_the_gradient_of_every_parameter_equals_finite_differences(attributor: Attributor) -> None:
    """Residual sums, BatchNorm merged, max pooling, operations in place, maps and logits in one loss."""
    tested, images = functions(), some_images()
    loss(tested, attributor, images).backward()
    generator = torch.Generator().manual_seed(2)
    for parameter in tested.module.parameters():
        assert parameter.grad is not None
        direction = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        with torch.no_grad():
            values = []
            for step in (1e-7, -2e-7):
                parameter.add_(direction, alpha=step)
                values.append(loss(tested, attributor, images).item())
            parameter.add_(direction, alpha=1e-7)
        numeric, analytic = (values[0] - values[1]) / 2e-7, (parameter.grad * direction).sum().item()
        assert abs(analytic - numeric) < 1e-5 * max(abs(numeric), 1e-1)


@pytest.mark.parametrize("attributor", VARIANTS, ids=str)
def test_the_fidelity_gradient_is_the_plain_networks(attributor: Attributor) -> None:
    """A backward pass through the logits alone must not notice that maps were made from the same forward pass."""
    tested, images = network(SmoothAfterReLU(), "third"), some_images()
    tested.logits(images).square().sum().backward()
    expected = [parameter.grad.clone() for parameter in tested.module.parameters() if parameter.grad is not None]
    tested.module.zero_grad()
    attributor(tested, images, TARGETS, create_graph=True).logits.square().sum().backward()
    made = [parameter.grad for parameter in tested.module.parameters() if parameter.grad is not None]
    for one, other in zip(made, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("stabilizer", [0.0, -1e-6, float("nan"), float("inf")])
def test_a_stabilizer_must_be_positive(stabilizer: float) -> None:
    with pytest.raises(ValueError, match="stabilizer must be a positive number"):
        ExcitationBackprop(stabilizer=stabilizer)
