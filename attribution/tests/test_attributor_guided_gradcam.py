import warnings

import pytest
import torch
from captum.attr import GuidedGradCam
from torch import nn

from attribution.attributors.gradcam import GradCAM
from attribution.attributors.guided_backprop import GuidedBackprop
from attribution.attributors.guided_gradcam import GuidedGradCAM
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
from attribution.tests.token_networks import swin, vit

TARGETS = torch.tensor([0, 3, 1, 4])
NETWORKS = [
    network(PlainReLU(), "features.4"),
    network(SmoothAfterReLU(), "third"),
    network(FunctionalReLU(), "convolutions.5"),
]


@pytest.mark.parametrize("layer", ["features.3", "features.1"])
def test_maps_equal_captums_on_relu_modules(layer: str) -> None:
    tested, images = network(PlainReLU(), layer), some_images()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = GuidedGradCam(tested.module, tested.feature_layer()).attribute(
            images.clone(), target=TARGETS, interpolate_mode="bilinear"
        )
    assert expected.abs().max() > 0
    maps = GuidedGradCAM()(tested, images, TARGETS).maps
    torch.testing.assert_close(maps, expected.sum(dim=1).detach(), atol=1e-12, rtol=1e-9)


@pytest.mark.parametrize("tested", NETWORKS, ids=lambda tested: tested.name)
def test_maps_are_the_product_of_gradcam_and_guided_backprop(tested: Network) -> None:
    """Also where ReLUs follow the feature layer, whose rule must not touch GradCAM's gradient."""
    images = some_images()
    product = GradCAM()(tested, images, TARGETS).maps * GuidedBackprop()(tested, images, TARGETS).maps
    torch.testing.assert_close(GuidedGradCAM()(tested, images, TARGETS).maps, product, atol=1e-12, rtol=1e-9)


def test_one_forward_pass_is_enough() -> None:
    tested = network(SmoothAfterReLU(), "third")
    calls: list[int] = []
    tested.module.register_forward_hook(lambda *_: calls.append(1))
    GuidedGradCAM()(tested, some_images(), TARGETS)
    assert len(calls) == 1


def test_maps_do_not_depend_on_batch_mates() -> None:
    tested, images = NETWORKS[1], some_images()
    together = GuidedGradCAM()(tested, images, TARGETS).maps
    alone = torch.cat([GuidedGradCAM()(tested, images[i : i + 1], TARGETS[i : i + 1]).maps for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("tested", [network(NoReLU(), "conv"), vit(), swin()], ids=lambda tested: tested.name)
def test_a_network_without_a_relu_is_refused(tested: Network) -> None:
    with pytest.raises(InputError, match="GuidedGradCAM reaches no ReLU"):
        GuidedGradCAM()(tested, some_images(), TARGETS)


def test_a_scripted_network_is_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(PlainReLU().double())
    with pytest.raises(InputError, match="scripted"):
        GuidedGradCAM()(Network("scripted", "test", scripted, NETWORKS[0].preprocessing, "", 5), some_images(), TARGETS)


def test_nothing_is_left_behind_after_an_error() -> None:
    tested, images = network(PlainReLU(), "features.4"), some_images()
    with pytest.raises(RuntimeError):
        GuidedGradCAM()(tested, images[:, :1], TARGETS)
    assert all(not module._forward_hooks and not module._backward_hooks for module in tested.module.modules())
    x = images.clone().requires_grad_()
    y = nn.functional.relu(x)
    y.backward(-torch.ones_like(y))
    assert x.grad is not None
    assert x.grad.min() == -1


def test_the_fidelity_gradient_is_the_plain_networks_after_the_rule_is_off() -> None:
    tested, images = network(SmoothAfterReLU(), "third"), some_images()
    parameters = list(tested.module.parameters())
    expected = torch.autograd.grad(tested.logits(images).square().sum(), parameters)
    made = GuidedGradCAM()(tested, images, TARGETS, create_graph=True)
    torch.testing.assert_close(torch.autograd.grad(made.logits.square().sum(), parameters), expected)
