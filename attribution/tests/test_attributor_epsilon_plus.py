import pytest
import torch
from torch import Tensor, nn

from attribution.attributors.epsilon_plus import EpsilonPlus
from attribution.errors import InputError
from attribution.tests.relevance_networks import efficientnet_lite, functions, modules, resnet18, vgg16
from attribution.tests.small_networks import network, some_images
from attribution.tests.zennit_maps import (
    MergedInOrder,
    difference,
    epsilon_plus,
    for_efficientnet_lite,
    for_resnet,
    one_hot,
    zennit_maps,
)

TARGETS = torch.tensor([0, 3, 1, 4])


class Linear(nn.Module):
    """One linear layer on one pixel."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(3, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(images.flatten(1))  # type: ignore[no-any-return]


PIXEL = torch.tensor([3.0, 1, 2], dtype=torch.float64)[None, :, None, None]


def test_a_map_by_hand() -> None:
    """Contributions 2 * 3, -1 * 1, 1 * 2 and the bias 2: 7 of 9 come from the image."""
    tested = network(Linear(2), "head", classes=2, size=1)
    with torch.no_grad():
        tested.module.head.weight.copy_(torch.tensor([[2.0, -1, 1], [1, 1, 1]]))  # type: ignore[union-attr,operator]
        tested.module.head.bias.copy_(torch.tensor([2.0, 0]))  # type: ignore[union-attr,operator]
    assert EpsilonPlus()(tested, PIXEL, torch.tensor([0])).maps.item() == pytest.approx(7 / 9, abs=1e-6)
    # Of the other class all comes from the image.
    made = EpsilonPlus(contrastive=True)(tested, PIXEL, torch.tensor([0])).maps.item()
    assert made == pytest.approx(7 / 9 - 1, abs=1e-6)


def test_maps_equal_zennits() -> None:
    tested, images = modules(), some_images()
    expected = zennit_maps(epsilon_plus([MergedInOrder()]), tested.module, images, one_hot(TARGETS, 5))
    assert difference(EpsilonPlus()(tested, images, TARGETS).maps, expected) < 1e-12


def test_contrastive_maps_equal_one_pass_by_zennit_from_contrastive_relevance() -> None:
    tested, images = modules(), some_images()
    target = one_hot(TARGETS, 5)
    expected = zennit_maps(epsilon_plus([MergedInOrder()]), tested.module, images, target - (1 - target) / 4)
    assert difference(EpsilonPlus(contrastive=True)(tested, images, TARGETS).maps, expected) < 1e-12


def test_operations_as_functions_and_in_place_make_the_same_maps_as_modules() -> None:
    images = some_images()
    expected = EpsilonPlus()(modules(), images, TARGETS).maps
    torch.testing.assert_close(EpsilonPlus()(functions(), images, TARGETS).maps, expected, atol=0, rtol=1e-12)


def test_maps_of_resnet18_equal_zennits() -> None:
    tested, images = resnet18(), some_images(2, size=64)
    expected = zennit_maps(epsilon_plus([for_resnet()]), tested.module, images, one_hot(TARGETS[:2], 5))
    assert difference(EpsilonPlus()(tested, images, TARGETS[:2]).maps, expected) < 1e-11


def test_maps_of_vgg16_equal_zennits() -> None:
    tested, images = vgg16(), some_images(2, size=64)
    expected = zennit_maps(epsilon_plus([MergedInOrder()]), tested.module, images, one_hot(TARGETS[:2], 5))
    assert difference(EpsilonPlus()(tested, images, TARGETS[:2]).maps, expected) < 1e-11


def test_maps_of_efficientnet_lite_equal_zennits() -> None:
    tested, images = efficientnet_lite(), some_images(2, size=64)
    composite = epsilon_plus([for_efficientnet_lite(tested.module)])
    expected = zennit_maps(composite, tested.module, images, one_hot(TARGETS[:2], 5))
    assert difference(EpsilonPlus()(tested, images, TARGETS[:2]).maps, expected) < 1e-11


@pytest.mark.parametrize("contrastive", [True, False])
def test_maps_do_not_depend_on_batch_mates(contrastive: bool) -> None:
    tested, images, attributor = functions(), some_images(), EpsilonPlus(contrastive=contrastive)
    together = attributor(tested, images, TARGETS).maps
    alone = torch.cat([attributor(tested, images[i : i + 1], TARGETS[i : i + 1]).maps for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=1e-12)


def test_a_contrastive_map_needs_two_classes() -> None:
    with pytest.raises(InputError, match="at least two classes"):
        EpsilonPlus(contrastive=True)(network(Linear(1), "head", classes=1, size=1), PIXEL, torch.tensor([0]))


@pytest.mark.parametrize("option", ["epsilon", "stabilizer"])
def test_a_stabilizer_must_be_positive(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be a positive number"):
        EpsilonPlus(**{option: 0.0})  # type: ignore[arg-type]
