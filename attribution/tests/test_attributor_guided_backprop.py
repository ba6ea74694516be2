import warnings

import pytest
import torch
from captum.attr import GuidedBackprop as CaptumGuidedBackprop
from torch import Tensor, nn

from attribution.attributors.guided_backprop import GuidedBackprop
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
