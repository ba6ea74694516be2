import warnings
from collections.abc import Callable

import pytest
import torch
from captum.attr import GuidedBackprop as CaptumGuidedBackprop
from torch import Tensor, nn
from torch.nn import functional as F

from attribution.attributors.gradcam import GradCAM
from attribution.attributors.guided_backprop import GuidedBackprop
from attribution.attributors.joint import explain
from attribution.errors import InputError
from attribution.networks import Network
from attribution.tests.small_networks import (
    FunctionalReLU,
    NoReLU,
    PlainReLU,
    SmoothAfterReLU,
    network,
    some_images,
)

TARGETS = torch.tensor([0, 3, 1, 4])


def captum_maps(module: nn.Module, images: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        maps: Tensor = CaptumGuidedBackprop(module).attribute(images, target=TARGETS).sum(dim=1)
        return maps


def test_maps_equal_captums_on_relu_modules() -> None:
    tested = network(PlainReLU(), "features.4")
    images = some_images()
    expected = captum_maps(tested.module, images.clone())
    torch.testing.assert_close(GuidedBackprop()(tested, images, TARGETS).maps, expected, atol=1e-9, rtol=1e-9)


class ReLU6Net(nn.Module):
    def __init__(self, activation: type[nn.Module]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.act = activation()
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.last = activation()
        self.head = nn.Linear(6, 5)

    def forward(self, images: Tensor) -> Tensor:
        x = self.last(self.second(self.act(self.conv(images))))
        return self.head(x.mean(dim=(2, 3)))  # type: ignore[no-any-return]


def test_relu6_is_guided_like_relu_where_it_does_not_saturate() -> None:
    images = some_images() * 0.1
    with_relu6, with_relu = network(ReLU6Net(nn.ReLU6), "last"), network(ReLU6Net(nn.ReLU), "last")
    expected = captum_maps(with_relu.module, images.clone())
    torch.testing.assert_close(GuidedBackprop()(with_relu6, images, TARGETS).maps, expected, atol=1e-9, rtol=1e-9)


def test_relu6_passes_nothing_where_it_saturates() -> None:
    tested = network(ReLU6Net(nn.ReLU6), "last")
    with torch.no_grad():
        tested.module.conv.bias.fill_(100.0)  # type: ignore[union-attr,operator]
    assert GuidedBackprop()(tested, some_images(), TARGETS).maps.abs().max() == 0


def test_functional_and_in_place_relus_are_guided_like_modules() -> None:
    """captum returns the plain gradient here without a word; the reference is the same network made of modules."""

    class AsModules(FunctionalReLU):
        def __init__(self) -> None:
            super().__init__()
            self.relus = nn.ModuleList([nn.ReLU() for _ in range(6)])

        def forward(self, images: Tensor) -> Tensor:
            x = images
            for convolution, relu in zip(self.convolutions, self.relus, strict=True):
                x = relu(convolution(x))
            return self.head(x.mean(dim=(2, 3)))  # type: ignore[no-any-return]

    images = some_images()
    functional, modules = network(FunctionalReLU(), "convolutions.5"), network(AsModules(), "convolutions.5")
    expected = captum_maps(modules.module, images.clone())
    torch.testing.assert_close(GuidedBackprop()(functional, images, TARGETS).maps, expected, atol=1e-9, rtol=1e-9)


class Written(nn.Module):
    """Two activations of the caller's choice: the first is given what the convolution puts out, and so on."""

    def __init__(self, first: Callable[[Tensor], Tensor], second: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.activations = (first, second)
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6, 5)

    def forward(self, images: Tensor) -> Tensor:
        x = self.activations[1](self.second(self.activations[0](self.conv(images))))
        return self.head(x.mean(dim=(2, 3)))  # type: ignore[no-any-return]


def alone_and_shared(tested: Network) -> list[Tensor]:
    """The guided map as GuidedBackprop makes it, and as it comes out of passes shared with GradCAM."""
    shared = explain(tested, [GradCAM(), GuidedBackprop()], some_images(), TARGETS)[1]
    with_graph = GuidedBackprop()(tested, some_images(), TARGETS, create_graph=True)
    return [GuidedBackprop()(tested, some_images(), TARGETS).maps, shared.maps, with_graph.maps.detach()]


def zero() -> Tensor:
    return torch.zeros((), dtype=torch.float64)


@pytest.mark.parametrize(
    "relu",
    [
        lambda x: x.clamp(min=0),
        lambda x: x.clamp_(0.0),
        lambda x: torch.clamp(input=x, min=0),
        lambda x: x.clip(0),
        lambda x: x.clamp_min(0),
        lambda x: torch.clamp_min_(x, 0),
        lambda x: torch.clamp(x, min=zero()),
        lambda x: torch.maximum(x, zero()),
        lambda x: torch.max(torch.zeros_like(x), x),
        lambda x: x.maximum(other=zero()),
        lambda x: F.threshold(x, 0, 0),
        lambda x: torch.threshold_(x, 0.0, 0.0),
        nn.Threshold(0, 0),
        nn.Threshold(0, 0, inplace=True),
    ],
)
def test_a_relu_in_other_words_is_guided_beside_a_real_one(relu: Callable[[Tensor], Tensor]) -> None:
    expected = alone_and_shared(network(Written(F.relu, F.relu), "second"))[0]
    for made in alone_and_shared(network(Written(relu, F.relu), "second")):
        torch.testing.assert_close(made, expected, atol=1e-15, rtol=1e-12)


@pytest.mark.parametrize(
    "relu6", [lambda x: x.clamp(0, 6), lambda x: x.clamp_(min=0, max=6.0), lambda x: F.hardtanh_(x, 0.0, 6.0)]
)
def test_a_relu6_in_other_words_is_guided(relu6: Callable[[Tensor], Tensor]) -> None:
    expected = alone_and_shared(network(Written(F.relu6, F.relu), "second"))[0]
    for made in alone_and_shared(network(Written(relu6, F.relu), "second")):
        torch.testing.assert_close(made, expected, atol=1e-15, rtol=1e-12)


@pytest.mark.parametrize(
    "no_relu",
    [
        lambda x: x.clamp(min=-1),
        lambda x: x.clamp(0, 1),
        lambda x: x.clamp(max=0),
        lambda x: F.threshold(x, 0, 1),
        lambda x: F.hardtanh(x),
        lambda x: torch.maximum(x, zero() - 1),
        lambda x: torch.maximum(x, x.mean()),
        lambda x: x.max(dim=1, keepdim=True).values.expand_as(x),
    ],
)
def test_what_is_no_relu_is_not_guided(no_relu: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(InputError, match="reaches no ReLU"):
        GuidedBackprop()(network(Written(no_relu, torch.tanh), "second"), some_images(), TARGETS)


def on_part(in_place: Callable[[Tensor], object]) -> Callable[[Tensor], Tensor]:
    def activation(x: Tensor) -> Tensor:
        in_place(x[:, :4])
        return x

    return activation


@pytest.mark.parametrize(
    ("in_place", "plain"),
    [
        (F.relu_, F.relu),
        (lambda x: x.relu_(), F.relu),
        (nn.ReLU(inplace=True), F.relu),
        (lambda x: x.clamp_(min=0), F.relu),
        (lambda x: F.threshold(x, 0, 0, inplace=True), F.relu),
        (nn.ReLU6(inplace=True), F.relu6),
        (lambda x: F.hardtanh_(x, 0.0, 6.0), F.relu6),
        (lambda x: F.relu6(input=x, inplace=True), F.relu6),
    ],
)
def test_a_relu_in_place_on_a_part_is_guided_where_the_whole_is_used(
    in_place: Callable[[Tensor], object], plain: Callable[[Tensor], Tensor]
) -> None:
    def joined(x: Tensor) -> Tensor:
        return torch.cat([plain(x[:, :4]), x[:, 4:]], dim=1)

    expected = alone_and_shared(network(Written(joined, F.relu), "second"))[0]
    tested = network(Written(on_part(in_place), F.relu), "second")
    torch.testing.assert_close(
        tested.logits(some_images()), network(Written(joined, F.relu), "second").logits(some_images())
    )
    for made in alone_and_shared(tested):
        torch.testing.assert_close(made, expected, atol=1e-15, rtol=1e-12)


def test_a_relu_in_place_on_the_whole_is_guided_where_a_part_taken_before_is_used() -> None:
    def whole(x: Tensor) -> Tensor:
        part = x[:, :6]
        F.relu_(x)
        return part

    expected = alone_and_shared(network(Written(F.relu, F.relu), "second"))[0]
    for made in alone_and_shared(network(Written(whole, F.relu), "second")):
        torch.testing.assert_close(made, expected, atol=1e-15, rtol=1e-12)


@pytest.mark.parametrize("tested", [network(SmoothAfterReLU(), "third"), network(FunctionalReLU(), "convolutions.5")])
def test_maps_differ_from_the_plain_gradient(tested: Network) -> None:
    images = some_images().requires_grad_()
    score = tested.logits(images).gather(1, TARGETS[:, None]).sum()
    plain = torch.autograd.grad(score, images)[0].sum(dim=1)
    assert (GuidedBackprop()(tested, images, TARGETS).maps - plain).abs().max() > 1e-3


def test_maps_do_not_depend_on_batch_mates() -> None:
    tested = network(SmoothAfterReLU(), "third")
    images = some_images()
    together = GuidedBackprop()(tested, images, TARGETS).maps
    alone = torch.cat([GuidedBackprop()(tested, images[i : i + 1], TARGETS[i : i + 1]).maps for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=1e-12)


def test_a_network_without_a_relu_is_refused() -> None:
    with pytest.raises(InputError, match="reaches no ReLU"):
        GuidedBackprop()(network(NoReLU(), "conv"), some_images(), TARGETS)


def test_a_scripted_network_is_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(PlainReLU().double())
    tested = network(PlainReLU(), "features.4")
    with pytest.raises(InputError, match="scripted"):
        GuidedBackprop()(Network("scripted", "test", scripted, tested.preprocessing, "", 5), some_images(), TARGETS)


def test_nothing_is_left_behind_after_an_error() -> None:
    tested = network(PlainReLU(), "features.4")
    images = some_images()
    before = tested.logits(images)
    with pytest.raises(RuntimeError):
        GuidedBackprop()(tested, images[:, :1], TARGETS)
    for module in tested.module.modules():
        assert not module._forward_hooks
        assert not module._backward_hooks
        assert not module._forward_pre_hooks
    x = images.clone().requires_grad_()
    y = torch.relu(x)
    y.backward(-torch.ones_like(y))
    assert x.grad is not None
    assert x.grad.min() == -1
    torch.testing.assert_close(tested.logits(images), before)


def test_the_fidelity_gradient_is_the_plain_networks_after_the_rule_is_off() -> None:
    """A backward pass through the logits alone must not notice that maps were made from the same forward pass."""
    tested = network(SmoothAfterReLU(), "third")
    images = some_images()
    tested.logits(images).square().sum().backward()
    expected = [parameter.grad.clone() for parameter in tested.module.parameters() if parameter.grad is not None]
    tested.module.zero_grad()
    GuidedBackprop()(tested, images, TARGETS, create_graph=True).logits.square().sum().backward()
    made = [parameter.grad for parameter in tested.module.parameters() if parameter.grad is not None]
    for one, other in zip(made, expected, strict=True):
        torch.testing.assert_close(one, other)
