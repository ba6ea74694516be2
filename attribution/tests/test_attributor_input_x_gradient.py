import pytest
import torch
from captum.attr import InputXGradient as CaptumInputXGradient
from torch import nn

from attribution.attributors.input_x_gradient import InputXGradient
from attribution.networks import Network
from attribution.tests.small_networks import FunctionalReLU, PlainReLU, SmoothAfterReLU, network, some_images

TARGETS = torch.tensor([0, 3, 1, 4])
NETWORKS = [
    network(PlainReLU(), "features.4"),
    network(SmoothAfterReLU(), "third"),
    network(FunctionalReLU(), "convolutions.5"),
]


@pytest.mark.parametrize("tested", NETWORKS, ids=lambda tested: tested.name)
def test_maps_equal_captums(tested: Network) -> None:
    images = some_images()
    expected = CaptumInputXGradient(tested.module).attribute(images.clone().requires_grad_(), target=TARGETS)
    maps = InputXGradient()(tested, images, TARGETS).maps
    torch.testing.assert_close(maps, expected.sum(dim=1).detach(), atol=1e-12, rtol=1e-9)


class Square(nn.Module):
    """Logit 0 is the sum of squared pixels: gradient 2x, map 2x^2 summed over channels."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.square().sum(dim=(1, 2, 3))[:, None]


def test_a_map_checked_by_hand() -> None:
    tested = Network("square", "test", Square(), NETWORKS[0].preprocessing, "", 1)
    image = torch.tensor([1.0, 2.0, -3.0], dtype=torch.float64)[None, :, None, None].expand(1, 3, 2, 2)
    maps = InputXGradient()(tested, image, torch.tensor([0])).maps
    assert maps.flatten().tolist() == [28.0] * 4


def test_a_map_of_a_relu_network_without_biases_sums_to_the_logit() -> None:
    tested = network(PlainReLU(), "features.4")
    with torch.no_grad():
        for name, parameter in tested.module.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
    images = some_images()
    made = InputXGradient()(tested, images, TARGETS)
    torch.testing.assert_close(made.maps.sum(dim=(1, 2)), made.logits.gather(1, TARGETS[:, None])[:, 0])


def test_maps_do_not_depend_on_batch_mates() -> None:
    tested, images = NETWORKS[1], some_images()
    together = InputXGradient()(tested, images, TARGETS).maps
    alone = torch.cat([InputXGradient()(tested, images[i : i + 1], TARGETS[i : i + 1]).maps for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=1e-12)
