from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from attribution.attributors.grouped_convolution import GroupedConv2d, conv2d
from attribution.attributors.guided_backprop import GuidedBackprop
from attribution.tests.small_networks import network, some_images

SETTINGS = [
    # channels in, out, kernel, stride, padding, dilation, groups, height, width
    (4, 4, (3, 3), (1, 1), (1, 1), (1, 1), 4, 6, 5),
    (4, 8, (3, 3), (2, 2), (1, 1), (1, 1), 4, 7, 8),
    (6, 4, (5, 3), (2, 1), (2, 0), (1, 2), 2, 9, 8),
    (4, 4, (1, 1), (3, 3), (0, 0), (1, 1), 2, 6, 7),
]


@pytest.mark.parametrize("setting", SETTINGS)
def test_values_and_both_gradients_equal_pytorchs(setting: tuple[Any, ...]) -> None:
    channels, out, kernel, stride, padding, dilation, groups, height, width = setting
    torch.manual_seed(0)
    x = torch.randn(2, channels, height, width, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(out, channels // groups, *kernel, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(out, dtype=torch.float64, requires_grad=True)
    results = []
    for convolve in (F.conv2d, conv2d):
        y = convolve(x, weight, bias, stride, padding, dilation, groups)
        (first,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        second = torch.autograd.grad(first.pow(3).sum() + y.sum(), (x, weight, bias))
        results.append((y, first, *second))
    for theirs, ours in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_gradients_of_the_gradient_pass_pytorchs_own_check() -> None:
    torch.manual_seed(1)
    x = torch.randn(1, 4, 5, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, 1, 3, 3, dtype=torch.float64, requires_grad=True)

    def convolve(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return conv2d(x, weight, None, 2, 1, 1, 4)

    assert torch.autograd.gradcheck(convolve, (x, weight))
    assert torch.autograd.gradgradcheck(convolve, (x, weight))
    assert convolve(x, weight).grad_fn is not None
    assert type(convolve(x, weight).grad_fn).__name__ == f"{GroupedConv2d.__name__}Backward"


class Depthwise(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.depthwise = nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=6)
        self.same = nn.Conv2d(6, 6, 3, padding="same", groups=2)
        self.head = nn.Linear(6, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = F.relu6(self.depthwise(F.relu(self.first(images))))
        x = F.relu(self.same(torch.tanh(x)))
        return self.head(x.mean(dim=(2, 3)))  # type: ignore[no-any-return]


def test_guided_maps_of_a_depthwise_network_are_the_same_with_and_without_a_graph() -> None:
    tested = network(Depthwise(), "same")
    targets = torch.tensor([0, 1, 2, 3])
    plain = GuidedBackprop()(tested, some_images(), targets).maps
    with_graph = GuidedBackprop()(tested, some_images(), targets, create_graph=True).maps
    torch.testing.assert_close(with_graph.detach(), plain)
    with_graph.square().sum().backward()
    assert all(parameter.grad is not None for parameter in tested.module.parameters() if parameter.ndim == 4)
