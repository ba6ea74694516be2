import pytest
import torch
from torch.nn import functional as F

from attribution.attributors.features import logits_and_features
from attribution.attributors.gradcam import GradCAM
from attribution.attributors.layercam import LayerCAM
from attribution.networks import Network
from attribution.tests.small_networks import PlainReLU, SmoothAfterReLU, network, some_images
from attribution.tests.token_networks import swin, vit

TARGETS = torch.tensor([0, 3, 1, 4])


def test_a_map_checked_by_hand() -> None:
    """Two channels; negative gradients count as 0, and so does a negative sum."""
    features = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[0.0, -1.0], [-1.0, 1.0]]]])
    gradient = torch.tensor([[[[1.0, -1.0], [2.0, 0.0]], [[5.0, 1.0], [1.0, 3.0]]]])
    maps = LayerCAM().from_features(features, gradient, (2, 2))
    assert maps.tolist() == [[[1.0, 0.0], [5.0, 3.0]]]


@pytest.mark.parametrize(
    "tested", [network(SmoothAfterReLU(), "third"), vit(), swin(seed=2)], ids=lambda tested: tested.name
)
def test_maps_equal_a_slow_reference(tested: Network) -> None:
    images = some_images()
    logits, features = logits_and_features(tested, images)
    (gradient,) = torch.autograd.grad(logits.gather(1, TARGETS[:, None]).sum(), features)
    N, K, height, width = features.shape
    coarse = torch.zeros(N, 1, height, width, dtype=torch.float64)
    for n in range(N):
        for y in range(height):
            for x in range(width):
                total = sum(
                    max(float(gradient[n, k, y, x]), 0.0) * float(features[n, k, y, x].detach()) for k in range(K)
                )
                coarse[n, 0, y, x] = max(total, 0.0)
    expected = F.interpolate(coarse, size=(16, 16), mode="bilinear")[:, 0]
    assert expected.abs().max() > 0
    torch.testing.assert_close(LayerCAM()(tested, images, TARGETS).maps, expected, atol=1e-12, rtol=1e-9)


def test_it_is_gradcam_where_gradients_are_positive_and_the_same_everywhere() -> None:
    """Global average pooling and a linear head with positive weights."""
    tested, images = network(PlainReLU(), "features.4"), some_images()
    with torch.no_grad():
        tested.module.head.weight.abs_()  # type: ignore[union-attr,operator]
    maps = LayerCAM()(tested, images, TARGETS).maps
    torch.testing.assert_close(maps, GradCAM()(tested, images, TARGETS).maps)


def test_maps_do_not_depend_on_batch_mates() -> None:
    tested, images = network(SmoothAfterReLU(), "third"), some_images()
    together = LayerCAM()(tested, images, TARGETS).maps
    alone = torch.cat([LayerCAM()(tested, images[i : i + 1], TARGETS[i : i + 1]).maps for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=1e-12)
