"""Feature maps from layers that put out maps, maps with the channels last, or tokens."""

from contextlib import ExitStack
from dataclasses import replace

import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import Tensor, nn
from torch.nn import functional as F

from attribution.attributors import ATTRIBUTORS
from attribution.attributors.features import logits_and_features
from attribution.attributors.gradcam import GradCAM
from attribution.attributors.joint import explain
from attribution.errors import InputError
from attribution.networks import Network, frozen
from attribution.tests.small_networks import PlainReLU, SmoothAfterReLU, network, some_images
from attribution.tests.token_networks import PooledMaps, PooledTokens, swin, vit

TARGETS = torch.tensor([0, 3, 1, 4])


class AsMap(nn.Module):
    """A layer with its tokens made a map on the way, where captum can look at it."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.map = nn.Identity()

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = self.layer(tokens)
        patches = tokens[:, 1:].transpose(1, 2).reshape(len(tokens), 8, 4, 4)
        return torch.cat([tokens[:, :1], self.map(patches).flatten(2).transpose(1, 2)], dim=1)


def captum_maps(module: nn.Module, layer: nn.Module, images: Tensor) -> Tensor:
    coarse = LayerGradCam(module, layer).attribute(images, target=TARGETS, relu_attributions=True)
    maps: Tensor = LayerAttribution.interpolate(coarse, images.shape[2:], interpolate_mode="bilinear")[:, 0]
    return maps.detach()


def test_maps_of_a_vit_equal_captums_on_its_patches_made_a_map() -> None:
    tested, wrapped, images = vit(), vit(), some_images()
    layer = AsMap(wrapped.feature_layer())
    wrapped.module.encoder.layers.encoder_layer_1.ln_1 = layer  # type: ignore[union-attr]
    expected = captum_maps(wrapped.module, layer.map, images)
    assert expected.abs().max() > 0
    torch.testing.assert_close(GradCAM()(tested, images, TARGETS).maps, expected, atol=1e-9, rtol=1e-9)


class UnusedLayer(nn.Module):
    """The layer's output is thrown away."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.layer, self.head = nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Linear(6, 5)

    def forward(self, images: Tensor) -> Tensor:
        x = self.conv(images)
        self.layer(x)
        return self.head(F.relu(x).mean(dim=(2, 3)))  # type: ignore[no-any-return]


@pytest.mark.parametrize("without_gradients", [True, False])
@pytest.mark.parametrize(
    "names", [["GradCAM"], ["GradCAM++"], ["LayerCAM"], ["GuidedGradCAM"], ["GradCAM", "GuidedBackprop"]], ids="+".join
)
def test_a_layer_whose_output_is_not_used_is_refused_by_name(names: list[str], without_gradients: bool) -> None:
    tested = network(UnusedLayer(), "layer")
    attributors = [ATTRIBUTORS[name]() for name in names]
    with ExitStack() as stack:
        if without_gradients:
            stack.enter_context(frozen(tested))
        for made in (
            lambda: attributors[0](tested, some_images(), TARGETS),
            lambda: explain(tested, attributors, some_images(), TARGETS),
        ):
            with pytest.raises(InputError, match="network UnusedLayer: the logits do not depend on what layer 'layer'"):
                made()


@pytest.mark.parametrize("layer", ["norm", "permute"])
def test_maps_of_a_swin_equal_captums_where_its_channels_come_first(layer: str) -> None:
    tested, images = swin(layer), some_images()
    expected = captum_maps(tested.module, tested.module.permute, images)  # type: ignore[arg-type]
    assert expected.abs().max() > 0
    torch.testing.assert_close(GradCAM()(tested, images, TARGETS).maps, expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(("leading", "shape"), [(0, None), (1, None), (0, "tokens"), (5, "tokens+5")])
def test_tokens_and_maps_of_the_same_function_have_the_same_map(leading: int, shape: str | None) -> None:
    tokens = replace(network(PooledTokens(leading), "tokens"), layer_shape=shape)
    maps = network(PooledMaps(), "tokens")
    images = some_images()
    made, expected = GradCAM()(tokens, images, TARGETS), GradCAM()(maps, images, TARGETS)
    torch.testing.assert_close(made.maps, expected.maps)
    torch.testing.assert_close(made.logits, expected.logits)


def test_tokens_of_an_oblong_image_are_laid_out_in_its_proportions() -> None:
    images = some_images()[:, :, :8]
    made = GradCAM()(network(PooledTokens(1), "tokens"), images, TARGETS).maps
    torch.testing.assert_close(made, GradCAM()(network(PooledMaps(), "tokens"), images, TARGETS).maps)


def test_features_are_the_layers_output_place_by_place() -> None:
    tested, images = vit(), some_images(2)
    outputs: list[Tensor] = []
    handle = tested.feature_layer().register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    tested.logits(images)
    handle.remove()
    _, features = logits_and_features(tested, images)
    assert features.shape == (2, 8, 4, 4)
    torch.testing.assert_close(features[1, :, 2, 3], outputs[0][1, 1 + 4 * 2 + 3])


def test_a_shape_that_could_be_either_has_its_channels_first_unless_told_otherwise() -> None:
    tested, images = network(PlainReLU(), "features.3"), some_images()  # 8 channels of 8 x 8 places
    _, first = logits_and_features(tested, images)
    _, last = logits_and_features(replace(tested, layer_shape="channels_last"), images)
    torch.testing.assert_close(last, first.permute(0, 3, 1, 2))


@pytest.mark.parametrize("shape", ["channels_last", "channels_first", "tokens+2"])
def test_tokens_that_are_not_what_the_config_says_are_refused(shape: str) -> None:
    with pytest.raises(InputError, match=rf"puts out \(4, 17, 8\).*layer_shape = '{shape.replace('+', '.')}'"):
        GradCAM()(replace(vit(), layer_shape=shape), some_images(), TARGETS)


def test_a_layer_after_which_only_the_class_token_counts_is_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match=r"class token alone: set network\.layer"):
        GradCAM()(vit("encoder.layers.encoder_layer_1"), some_images(), TARGETS)


def test_an_untrained_vit_whose_head_is_zero_has_a_zero_map_and_is_not_refused() -> None:
    tested = vit()
    nn.init.zeros_(tested.module.heads.head.weight)  # type: ignore[union-attr,arg-type]
    assert GradCAM()(tested, some_images(), TARGETS).maps.abs().max() == 0


def test_the_last_output_of_a_layer_called_twice_counts() -> None:
    """`reused` first puts out a map and then the hidden layer's vector."""
    with pytest.raises(InputError, match=r"layer 'reused' puts out \(4, 8\)"):
        GradCAM()(network(SmoothAfterReLU(), "reused"), some_images(), TARGETS)


def test_a_layer_that_is_not_called_is_refused() -> None:
    tested = network(PlainReLU(), "features.4")
    tested.module.spare = nn.ReLU()
    with pytest.raises(InputError, match="puts out nothing"):
        GradCAM()(replace(tested, layer="spare"), some_images(), TARGETS)


def test_a_layer_that_puts_out_no_tensor_is_refused() -> None:
    with pytest.raises(InputError, match="puts out a tuple"):
        GradCAM()(vit("encoder.layers.encoder_layer_1.self_attention"), some_images(), TARGETS)


@pytest.mark.parametrize("tested", [vit(), swin("norm")], ids=lambda tested: tested.name)
def test_maps_made_for_a_loss_are_the_same_and_reach_the_parameters(tested: Network) -> None:
    images = some_images()
    made = GradCAM()(tested, images, TARGETS, create_graph=True)
    torch.testing.assert_close(made.maps.detach(), GradCAM()(tested, images, TARGETS).maps)
    parameters = list(tested.module.parameters())
    gradients = torch.autograd.grad(made.maps.sum(), parameters, allow_unused=True, materialize_grads=True)
    assert sum(float(gradient.abs().sum()) for gradient in gradients) > 0


def test_hooks_are_gone_after_an_error_in_the_backward_pass() -> None:
    tested = vit("encoder.layers.encoder_layer_1")
    with pytest.raises(InputError):
        GradCAM()(tested, some_images(), TARGETS)
    assert all(not module._forward_hooks for module in tested.module.modules())
