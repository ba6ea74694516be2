import pytest
import torch
from captum.attr import Saliency as CaptumSaliency
from torch import nn

from attribution.attributors.saliency import Saliency
from attribution.networks import Network
from attribution.tests.small_networks import FunctionalReLU, PlainReLU, SmoothAfterReLU, network, some_images

TARGETS = torch.tensor([0, 3, 1, 4])
NETWORKS = [
    network(PlainReLU(), "features.4"),
    network(SmoothAfterReLU(), "third"),
    network(FunctionalReLU(), "convolutions.5"),
]


class Linear(nn.Module):
    """Logit c is the sum over all pixels of weight[c, channel] * pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[1.0, -3.0, 1.0], [0.5, 0.25, 0.0]], dtype=torch.float64))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.sum(dim=(2, 3)) @ self.weight.T


def linear() -> Network:
    return Network("linear", "test", Linear(), NETWORKS[0].preprocessing, "", 2)


@pytest.mark.parametrize("tested", NETWORKS, ids=lambda tested: tested.name)
@pytest.mark.parametrize("signed", [False, True])
def test_maps_equal_captums(tested: Network, signed: bool) -> None:
    images = some_images()
    gradient = CaptumSaliency(tested.module).attribute(images.clone().requires_grad_(), target=TARGETS, abs=not signed)
    expected = gradient.sum(dim=1) if signed else gradient.amax(dim=1)
    torch.testing.assert_close(Saliency(signed=signed)(tested, images, TARGETS).maps, expected, atol=1e-12, rtol=1e-9)


def test_maps_of_a_linear_network_are_its_weights() -> None:
    images, targets = some_images(2, size=4), torch.tensor([0, 1])
    unsigned, signed = Saliency()(linear(), images, targets).maps, Saliency(signed=True)(linear(), images, targets).maps
    assert unsigned.flatten(1).tolist() == [[3.0] * 16, [0.5] * 16]
    assert signed.flatten(1).tolist() == [[-1.0] * 16, [0.75] * 16]


def test_maps_do_not_depend_on_batch_mates() -> None:
    tested, images = NETWORKS[1], some_images()
    together = Saliency()(tested, images, TARGETS).maps
    alone = torch.cat([Saliency()(tested, images[i : i + 1], TARGETS[i : i + 1]).maps for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=1e-12)


def test_logits_are_the_networks_and_carry_no_graph_unless_asked() -> None:
    tested, images = NETWORKS[0], some_images()
    made = Saliency()(tested, images, TARGETS)
    torch.testing.assert_close(made.logits, tested.logits(images).detach())
    assert not made.maps.requires_grad
    assert not made.logits.requires_grad


def test_the_images_are_left_without_a_gradient() -> None:
    images = some_images()
    Saliency()(NETWORKS[0], images, TARGETS)
    assert not images.requires_grad
    assert images.grad is None
