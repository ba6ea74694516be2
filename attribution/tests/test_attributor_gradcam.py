import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch.nn import functional as F

from attribution.attributors.gradcam import GradCAM
from attribution.errors import InputError
from attribution.networks import Network, frozen
from attribution.tests.small_networks import PlainReLU, SmoothAfterReLU, network, some_images

NETWORKS = [
    network(PlainReLU(), "features.4"),
    network(PlainReLU(), "features.3"),
    network(SmoothAfterReLU(), "third"),
]
TARGETS = torch.tensor([0, 3, 1, 4])


@pytest.mark.parametrize("tested", NETWORKS, ids=lambda tested: f"{tested.name}-{tested.layer}")
def test_maps_equal_captums(tested: Network) -> None:
    images = some_images()
    coarse = LayerGradCam(tested.module, tested.feature_layer()).attribute(
        images, target=TARGETS, relu_attributions=True
    )
    expected = LayerAttribution.interpolate(coarse, images.shape[2:], interpolate_mode="bilinear")[:, 0]
    torch.testing.assert_close(GradCAM()(tested, images, TARGETS).maps, expected, atol=1e-9, rtol=1e-9)


def test_a_map_checked_by_hand() -> None:
    """Two channels, global mean and a linear head: weights are w_k / 4, so the map is relu(sum w_k A_k) / 4."""
    tested = network(PlainReLU(classes=2), "features.4", classes=2)
    images = some_images(1)
    features = tested.module.features(images)  # type: ignore[operator]
    head = tested.module.head.weight[1]  # type: ignore[union-attr,index]
    cells = features.shape[2] * features.shape[3]
    coarse = F.relu((head[:, None, None] / cells * features[0]).sum(dim=0))
    expected = F.interpolate(coarse[None, None], size=images.shape[2:], mode="bilinear")[0, 0]
    torch.testing.assert_close(GradCAM()(tested, images, torch.tensor([1])).maps[0], expected)


def test_maps_do_not_depend_on_batch_mates() -> None:
    tested = network(SmoothAfterReLU(), "third")
    images = some_images()
    together = GradCAM()(tested, images, TARGETS).maps
    alone = torch.cat([GradCAM()(tested, images[i : i + 1], TARGETS[i : i + 1]).maps for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=1e-12)


def test_an_in_place_relu_after_the_layer_leaves_the_map_alone() -> None:
    """`norm` is followed by an in-place ReLU that would overwrite what is explained."""
    in_place, out_of_place = network(SmoothAfterReLU(), "norm"), network(SmoothAfterReLU(), "norm")
    out_of_place.module.in_place.inplace = False  # type: ignore[union-attr]
    images = some_images()
    torch.testing.assert_close(GradCAM()(in_place, images, TARGETS).maps, GradCAM()(out_of_place, images, TARGETS).maps)


def test_maps_are_the_same_with_frozen_parameters() -> None:
    tested = network(SmoothAfterReLU(), "third")
    images = some_images()
    free = GradCAM()(tested, images, TARGETS).maps
    with frozen(tested):
        torch.testing.assert_close(GradCAM()(tested, images, TARGETS).maps, free)
    assert all(parameter.requires_grad for parameter in tested.module.parameters())


def test_hooks_are_gone_after_an_error() -> None:
    tested = network(PlainReLU(), "features.4")
    with pytest.raises(RuntimeError):
        GradCAM()(tested, some_images()[:, :1], TARGETS)
    assert all(not module._forward_hooks for module in tested.module.modules())


def test_a_layer_without_a_feature_map_is_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match=r"layer 'head' puts out .*set network\.layer"):
        GradCAM()(network(PlainReLU(), "head"), some_images(), TARGETS)


def test_without_create_graph_nothing_hangs_on_the_maps() -> None:
    made = GradCAM()(network(PlainReLU(), "features.4"), some_images(), TARGETS)
    assert not made.maps.requires_grad
    assert not made.logits.requires_grad


def test_with_create_graph_the_parameters_get_gradients_from_the_maps() -> None:
    tested = network(PlainReLU(), "features.4")
    GradCAM()(tested, some_images(), TARGETS, create_graph=True).maps.sum().backward()
    first = next(tested.module.parameters())
    assert first.grad is not None
    assert first.grad.abs().sum() > 0
