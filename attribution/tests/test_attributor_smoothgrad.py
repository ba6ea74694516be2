import pytest
import torch
from captum.attr import NoiseTunnel
from captum.attr import Saliency as CaptumSaliency

from attribution.attributors.saliency import Saliency
from attribution.attributors.smoothgrad import SmoothGrad
from attribution.networks import Network
from attribution.tests.small_networks import FunctionalReLU, PlainReLU, SmoothAfterReLU, network, some_images

TARGETS = torch.tensor([0, 3, 1, 4])
NETWORKS = [
    network(PlainReLU(), "features.4"),
    network(SmoothAfterReLU(), "third"),
    network(FunctionalReLU(), "convolutions.5"),
]


@pytest.mark.parametrize("tested", NETWORKS, ids=lambda tested: tested.name)
@pytest.mark.parametrize("signed", [False, True])
def test_maps_equal_captums_with_the_same_noise(tested: Network, signed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    made = SmoothGrad(samples=3, noise=0.2, signed=signed)
    image = some_images(1)
    spread = float(image.max() - image.min())
    # captum rounds the standard deviation to float32.
    monkeypatch.setattr(torch, "normal", lambda _mean, _std: 0.2 * spread * made.draw(image))
    gradient = NoiseTunnel(CaptumSaliency(tested.module)).attribute(
        image.clone().requires_grad_(), nt_samples=3, stdevs=0.2 * spread, target=3, abs=False
    )
    expected = gradient.sum(dim=1) if signed else gradient.abs().amax(dim=1)
    torch.testing.assert_close(made(tested, image, torch.tensor([3])).maps, expected, atol=1e-12, rtol=1e-9)


def test_the_mean_of_the_gradients_at_the_noisy_images_is_the_map() -> None:
    tested, images = NETWORKS[1], some_images()
    made = SmoothGrad(samples=4, noise=0.1, signed=True)
    total = torch.zeros(4, 16, 16, dtype=torch.float64)
    for sample in made.draw(images):
        for i in range(4):
            noisy = images[i : i + 1] + 0.1 * (images[i].max() - images[i].min()) * sample
            total[i] += Saliency(signed=True)(tested, noisy, TARGETS[i : i + 1]).maps[0] / 4
    torch.testing.assert_close(made(tested, images, TARGETS).maps, total, atol=1e-12, rtol=1e-9)


@pytest.mark.parametrize("signed", [False, True])
def test_one_sample_without_noise_is_saliency(signed: bool) -> None:
    tested, images = NETWORKS[1], some_images()
    made = SmoothGrad(samples=1, noise=0.0, signed=signed)(tested, images, TARGETS).maps
    torch.testing.assert_close(made, Saliency(signed=signed)(tested, images, TARGETS).maps, atol=0, rtol=0)


def test_maps_depend_neither_on_batch_mates_nor_on_the_internal_batch() -> None:
    tested, images = NETWORKS[1], some_images()
    together = SmoothGrad(samples=5)(tested, images, TARGETS).maps
    for batch in (1, 3):
        made = SmoothGrad(samples=5, batch=batch)
        alone = torch.cat([made(tested, images[i : i + 1], TARGETS[i : i + 1]).maps for i in range(4)])
        torch.testing.assert_close(together, alone, atol=1e-12, rtol=1e-12)


def test_the_seed_decides_the_map_and_nothing_else_does() -> None:
    tested, images = NETWORKS[1], some_images()
    first = SmoothGrad(samples=3)(tested, images, TARGETS).maps
    torch.rand(7)
    torch.testing.assert_close(SmoothGrad(samples=3)(tested, images, TARGETS).maps, first, atol=0, rtol=0)
    assert (SmoothGrad(samples=3, seed=1)(tested, images, TARGETS).maps - first).abs().max() > 1e-6


def test_logits_are_those_of_the_plain_images() -> None:
    tested, images = NETWORKS[1], some_images()
    torch.testing.assert_close(SmoothGrad()(tested, images, TARGETS).logits, tested.logits(images).detach())


@pytest.mark.parametrize(
    "options", [{"samples": 0}, {"noise": -0.1}, {"noise": float("nan")}, {"seed": -1}, {"batch": 0}]
)
def test_nonsense_is_refused_by_name(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        SmoothGrad(**options)  # type: ignore[arg-type]
