import math

import numpy as np
import pytest
import torch
from torch import Tensor

from attribution.metrics import Explained
from attribution.metrics.infidelity import Infidelity, infidelity
from attribution.metrics.perturbation import draws
from attribution.tests.small_explained import FirstChannel, Gradient, Linear, explained, part
from attribution.tests.small_networks import SmoothAfterReLU, network, some_images


def smooth(attributor: Gradient | FirstChannel, count: int = 4) -> Explained:
    return explained(network(SmoothAfterReLU(), "third"), attributor, some_images(count))


def channel_gradients(whole: Explained) -> Tensor:
    inputs = whole.probe.inputs.clone().requires_grad_()
    logits = whole.network.logits(inputs)
    (gradient,) = torch.autograd.grad(logits.gather(1, whole.probe.targets[:, None]).sum(), inputs)
    return gradient


def squares(whole: Explained, samples: int, side: int) -> Tensor:
    """The squares [N, samples, H, W], one where the metric removes the input, made one by one."""
    images = whole.probe.inputs
    length = images.shape[2]
    made = torch.zeros(len(images), samples, length, length, dtype=images.dtype)
    for place, seed in enumerate(whole.probe.seeds):
        for sample in range(samples):
            corner = (draws("uniform", [seed], [sample], (2,), like=images)[0] + 1) / 2 * (length - side + 1)
            top, left = (int(value) for value in corner)
            made[place, sample, top : top + side, left : left + side] = 1
    return made


def captum_infidelity(
    whole: Explained, attributions: Tensor, change: Tensor, told: Tensor, samples: int, scaled: bool
) -> Tensor:
    """captum's, with perturbations [N * samples, 3, H, W]: of the input, and as they are multiplied with the map."""
    from captum.metrics import infidelity as oracle

    found: Tensor = oracle(
        whole.network.module,
        lambda inputs: (told, inputs - change),
        whole.probe.inputs,
        attributions,
        target=whole.probe.targets,
        n_perturb_samples=samples,
        normalize=scaled,
    )
    return found


def test_errors_checked_by_hand() -> None:
    told, found = torch.tensor([[1.0, 2.0], [1.0, 1.0]]).double(), torch.tensor([[2.0, 4.0], [0.0, 2.0]]).double()
    assert infidelity(told, found, scaled=False).tolist() == [2.5, 1.0]
    assert infidelity(told, found, scaled=True).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("scaled", [True, False])
def test_noise_equals_captum_infidelity_of_the_channels_attributions(scaled: bool) -> None:
    whole = smooth(Gradient())
    noise = torch.cat(
        [draws("normal", [seed] * 6, range(6), (1, 16, 16), like=whole.maps) * 0.3 for seed in whole.probe.seeds]
    ).expand(-1, 3, -1, -1)
    expected = captum_infidelity(whole, channel_gradients(whole), noise, noise, 6, scaled)
    found = Infidelity(noise=0.3, samples=6, scaled=scaled).scores(whole)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("scaled", [True, False])
def test_squares_equal_captum_infidelity_of_the_channels_contributions(scaled: bool) -> None:
    whole = smooth(Gradient(times_input=True))
    images = whole.probe.inputs
    removed = squares(whole, 6, 8).flatten(0, 1)[:, None].expand(-1, 3, -1, -1)
    change = removed * images.repeat_interleave(6, dim=0)
    expected = captum_infidelity(whole, channel_gradients(whole) * images, change, removed, 6, scaled)
    found = Infidelity(perturbation="square", side=0.5, samples=6, scaled=scaled).scores(whole)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(("perturbation", "times_input"), [("noise", False), ("square", True)])
def test_the_gradient_of_a_linear_network_is_perfectly_faithful(perturbation: str, times_input: bool) -> None:
    whole = explained(network(Linear(16), "head"), Gradient(times_input), some_images(3))
    scores = Infidelity(perturbation=perturbation, scaled=False).scores(whole)  # type: ignore[arg-type]
    assert scores.tolist() == pytest.approx([0, 0, 0], abs=1e-20)


def test_with_scaling_the_maps_scale_and_sign_do_not_matter_and_the_score_is_no_larger() -> None:
    whole = smooth(Gradient())
    negative = Explained(whole.network, whole.attributor, whole.probe, whole.maps * -3.5, whole.logits)
    scores = Infidelity().scores(whole)
    torch.testing.assert_close(Infidelity().scores(negative), scores)
    assert (scores <= Infidelity(scaled=False).scores(whole)).all()


def test_another_map_is_less_faithful_than_the_gradient() -> None:
    other = smooth(FirstChannel())
    assert (Infidelity(noise=0.02).scores(smooth(Gradient())) < Infidelity(noise=0.02).scores(other)).all()


def test_a_zero_map_tells_nothing_that_could_be_scaled() -> None:
    whole = smooth(FirstChannel(), 3)
    whole.maps[1] = 0
    assert Infidelity().scores(whole).isnan().tolist() == [False, True, False]
    assert not Infidelity(scaled=False).scores(whole).isnan().any()


def test_squares_lie_inside_the_image_and_reach_its_corners() -> None:
    whole = smooth(Gradient(), 1)
    weights = Infidelity(perturbation="square", side=0.9)._weights([1] * 60, list(range(60)), whole.probe.inputs)
    assert (weights.sum(dim=(1, 2, 3)) == 14 * 14).all()
    assert weights[:, 0, 0, 0].any()
    assert weights[:, 0, -1, -1].any()


def test_the_score_of_an_image_does_not_depend_on_its_batch() -> None:
    whole = smooth(Gradient(), 5)
    for metric in (Infidelity(samples=6), Infidelity(perturbation="square", samples=6)):
        scores = metric.scores(whole)
        for places in ([0], [4, 2, 0]):
            torch.testing.assert_close(metric.scores(part(whole, places)), scores[places], rtol=1e-8, atol=1e-15)


@pytest.mark.parametrize(
    "options", [{"perturbation": "blur"}, {"noise": 0.0}, {"side": 0.0}, {"side": math.nan}, {"samples": 1}]
)
def test_options_that_make_no_sense_are_refused(options: dict[str, str | float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Infidelity(**options)  # type: ignore[arg-type]


def test_one_perturbation_is_enough_without_scaling() -> None:
    assert Infidelity(samples=1, scaled=False).scores(smooth(Gradient())).shape == (4,)
