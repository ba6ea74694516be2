import pytest
import torch
from captum.attr import IntegratedGradients as CaptumIntegratedGradients
from torch import nn

from attribution.attributors.input_x_gradient import InputXGradient
from attribution.attributors.integrated_gradients import IntegratedGradients
from attribution.networks import Network
from attribution.tests.small_networks import FunctionalReLU, PlainReLU, SmoothAfterReLU, network, some_images

TARGETS = torch.tensor([0, 3, 1, 4])
NETWORKS = [
    network(PlainReLU(), "features.4"),
    network(SmoothAfterReLU(), "third"),
    network(FunctionalReLU(), "convolutions.5"),
]


class Cube(nn.Module):
    """Logit 0 is the sum of cubed pixels; what goes through it at once is written down."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(images))
        return images.pow(3).sum(dim=(1, 2, 3))[:, None]


def cube() -> Network:
    return Network("cube", "test", Cube(), NETWORKS[0].preprocessing, "", 1)


@pytest.mark.parametrize("tested", NETWORKS, ids=lambda tested: tested.name)
def test_maps_equal_captums(tested: Network) -> None:
    """captum rounds the weights of the steps to float32, hence the tolerance; the test below has none of that."""
    images = some_images()
    expected = CaptumIntegratedGradients(tested.module).attribute(images, target=TARGETS, n_steps=20)
    maps = IntegratedGradients(steps=20)(tested, images, TARGETS).maps
    scale = expected.abs().max().item()
    torch.testing.assert_close(maps, expected.sum(dim=1).detach(), atol=1e-7 * scale, rtol=1e-6)


def test_maps_equal_captums_gradients_summed_in_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.Tensor, "float", lambda tensor: tensor.double())
    tensor = torch.tensor
    monkeypatch.setattr(torch, "tensor", lambda data, **options: tensor(data, **{"dtype": torch.float64} | options))
    images = some_images()
    expected = CaptumIntegratedGradients(NETWORKS[1].module).attribute(images, target=TARGETS, n_steps=20)
    maps = IntegratedGradients(steps=20)(NETWORKS[1], images, TARGETS).maps
    torch.testing.assert_close(maps, expected.sum(dim=1).detach(), atol=1e-12, rtol=1e-9)


def test_two_steps_are_exact_for_a_cubic_logit() -> None:
    """The integral of 3 (t x)^2 is x^2, so the map is x^3, summed over three equal channels."""
    image = torch.full((1, 3, 2, 2), 2.0, dtype=torch.float64)
    maps = IntegratedGradients(steps=2)(cube(), image, torch.tensor([0])).maps
    torch.testing.assert_close(maps, torch.full((1, 2, 2), 24.0, dtype=torch.float64))


@pytest.mark.parametrize(("baseline", "level"), [("mean", 0.0), ("black", -2.0), ("white", 2.0)])
def test_a_map_sums_to_the_logit_less_the_logit_of_the_baseline(baseline: str, level: float) -> None:
    tested = network(SmoothAfterReLU(), "third")  # mean .5, std .25: black is -2, white is 2
    images = some_images()
    made = IntegratedGradients(steps=400, baseline=baseline)(tested, images, TARGETS)  # type: ignore[arg-type]
    difference = (made.logits - tested.logits(torch.full_like(images, level))).gather(1, TARGETS[:, None])[:, 0]
    torch.testing.assert_close(made.maps.sum(dim=(1, 2)), difference.detach(), atol=2e-3, rtol=0)


def test_one_step_is_half_way_to_the_image() -> None:
    tested, images = NETWORKS[0], some_images()
    halfway = InputXGradient()(tested, images / 2, TARGETS).maps * 2
    torch.testing.assert_close(IntegratedGradients(steps=1)(tested, images, TARGETS).maps, halfway)


def test_maps_depend_neither_on_batch_mates_nor_on_the_internal_batch() -> None:
    tested, images = NETWORKS[1], some_images()
    together = IntegratedGradients(steps=7, batch=32)(tested, images, TARGETS).maps
    for batch in (1, 3, 5):
        made = IntegratedGradients(steps=7, batch=batch)
        alone = torch.cat([made(tested, images[i : i + 1], TARGETS[i : i + 1]).maps for i in range(4)])
        torch.testing.assert_close(together, alone, atol=1e-12, rtol=1e-12)
        torch.testing.assert_close(together, made(tested, images, TARGETS).maps, atol=1e-12, rtol=1e-12)


def test_no_more_than_the_internal_batch_goes_through_the_network_at_once() -> None:
    tested = cube()
    IntegratedGradients(steps=10, batch=6)(tested, some_images(4, size=2), torch.zeros(4, dtype=torch.int64))
    assert max(tested.module.sizes) <= 6  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"steps": 0}, {"batch": 0}, {"baseline": "grey"}])
def test_nonsense_is_refused_by_name(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        IntegratedGradients(**options)  # type: ignore[arg-type]
