"""Gradients for maps, differentiated again: through attention, grouped convolutions and channels-last features."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from attribution.attributors import ATTRIBUTORS
from attribution.attributors.gradients import input_gradient, weighted_gradient
from attribution.attributors.grouped_convolution import GroupedConv2d
from attribution.networks import Network
from attribution.tests.small_networks import SmoothAfterReLU, network, some_images
from attribution.tests.token_networks import swin, vit, vit_of_relus

TARGETS = torch.tensor([0, 3])
STEP = 1e-6
OPTIONS: dict[str, dict[str, int]] = {"IntegratedGradients": {"steps": 3}, "SmoothGrad": {"samples": 2}}


def errors(attributor: str, tested: Network) -> Iterator[float]:
    """Of the derivative of a smooth function of maps and logits, along random directions of all parameters."""
    images, made = some_images(2), ATTRIBUTORS[attributor](**OPTIONS.get(attributor, {}))
    parameters = list(tested.module.parameters())

    scale = float(made(tested, images, TARGETS).maps.square().sum())

    def value(*, create_graph: bool = False) -> Tensor:
        found = made(tested, images, TARGETS, create_graph=create_graph)
        return found.maps.square().sum() / scale + found.logits.sin().sum()

    gradients = torch.autograd.grad(value(create_graph=True), parameters, allow_unused=True, materialize_grads=True)
    rng = torch.Generator().manual_seed(7)
    for _ in range(4):
        directions = [torch.randn(p.shape, generator=rng, dtype=p.dtype) for p in parameters]
        values = []
        for step in (STEP, -2 * STEP, STEP):
            with torch.no_grad():
                for p, d in zip(parameters, directions, strict=True):
                    p.add_(d, alpha=step)
            values.append(float(value()))
        numeric = (values[0] - values[1]) / (2 * STEP)
        analytic = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
        yield abs(analytic - numeric) / max(abs(numeric), 1e-3)


@pytest.mark.parametrize(
    "attributor",
    ["GradCAM", "GradCAM++", "LayerCAM", "Saliency", "InputXGradient", "IntegratedGradients", "SmoothGrad"],
)
@pytest.mark.parametrize("tested", [vit(), swin("norm", seed=2)], ids=lambda tested: tested.name)
def test_parameter_gradients_through_attention_equal_finite_differences(attributor: str, tested: Network) -> None:
    assert max(errors(attributor, tested)) < 1e-5


@pytest.mark.parametrize("attributor", ["GuidedBackprop", "GuidedGradCAM"])
def test_parameter_gradients_of_guided_maps_do_so_too(attributor: str) -> None:
    assert max(errors(attributor, vit_of_relus())) < 1e-5


class Depthwise(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, groups=3)
        self.head = nn.Linear(6, 5)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(torch.tanh(self.conv(images)).mean(dim=(2, 3)))  # type: ignore[no-any-return]


def test_grouped_convolutions_are_made_cheap_to_differentiate_twice_only_where_that_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[int] = []
    apply = GroupedConv2d.apply

    def counted(*arguments: object) -> Tensor:
        calls.append(1)
        made: Tensor = apply(*arguments)
        return made

    monkeypatch.setattr(GroupedConv2d, "apply", counted)
    tested, images = network(Depthwise(), "conv"), some_images(2)
    plain, _ = input_gradient(tested, images, TARGETS)
    assert calls == []
    again, _ = input_gradient(tested, images, TARGETS, create_graph=True)
    assert calls == [1]
    torch.testing.assert_close(again.detach(), plain)


def test_a_weighted_gradient_is_the_sum_of_the_single_ones() -> None:
    tested, images = network(SmoothAfterReLU(), "third"), some_images(2)
    weights = [0.5, -2.0, 3.0]
    expected = sum(
        weight * input_gradient(tested, images * (turn + 1), TARGETS)[0] for turn, weight in enumerate(weights)
    )
    for batch in (1, 2, 3, 64):
        made = weighted_gradient(tested, images, TARGETS, weights, lambda some, turn: some * (turn + 1), batch=batch)
        torch.testing.assert_close(made, expected, atol=1e-12, rtol=1e-12)
