import math
import warnings

import numpy as np
import pytest
import torch
from torch import Tensor

from attribution.attributors.gradcam import GradCAM
from attribution.attributors.guided_backprop import GuidedBackprop
from attribution.metrics import Explained
from attribution.metrics.max_sensitivity import MaxSensitivity
from attribution.metrics.perturbation import draws
from attribution.metrics.undefined import undefined_reasons
from attribution.tests.small_explained import FirstChannel, explained, part
from attribution.tests.small_networks import SmoothAfterReLU, network, some_images

ATTRIBUTORS = [GradCAM(), GuidedBackprop()]


def smooth(attributor: GradCAM | GuidedBackprop | FirstChannel, count: int = 4) -> Explained:
    return explained(network(SmoothAfterReLU(), "third"), attributor, some_images(count))


def perturbations(whole: Explained, samples: int, radius: float) -> Tensor:
    """The noise [N, samples, 3, H, W] that the metric draws."""
    shape = whole.probe.inputs.shape[1:]
    return torch.stack(
        [
            draws("uniform", [seed] * samples, range(samples), shape, like=whole.probe.inputs) * radius
            for seed in whole.probe.seeds
        ]
    )


def test_a_map_that_is_the_inputs_first_channel_moves_by_the_noise_on_that_channel() -> None:
    whole = explained(network(SmoothAfterReLU(), "third"), FirstChannel(), torch.full((1, 3, 16, 16), 2.0).double())
    noise = perturbations(whole, 5, 0.1)[0, :, 0]
    expected = max(math.sqrt(float(sample.square().sum())) for sample in noise) / (2 * 16)
    assert MaxSensitivity(radius=0.1, samples=5).scores(whole).tolist() == pytest.approx([expected])


@pytest.mark.parametrize("attributor", ATTRIBUTORS)
def test_equals_captum_sensitivity_max_under_the_same_perturbations(attributor: GradCAM | GuidedBackprop) -> None:
    from captum.metrics import sensitivity_max

    whole = smooth(attributor)
    noise = perturbations(whole, 7, 0.05)

    def explain(inputs: tuple[Tensor, ...] | Tensor, target: Tensor) -> tuple[Tensor]:
        images = inputs if isinstance(inputs, Tensor) else inputs[0]
        with torch.enable_grad():
            return (whole.attributor(whole.network, images, target).maps,)

    expected = sensitivity_max(
        explain,
        whole.probe.inputs,
        perturb_func=lambda inputs: inputs + noise.flatten(0, 1),
        n_perturb_samples=7,
        target=whole.probe.targets,
    )
    found = MaxSensitivity(radius=0.05, samples=7).scores(whole)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-10)


@pytest.mark.parametrize("attributor", ATTRIBUTORS)
def test_equals_quantus_max_sensitivity_under_the_same_perturbations(attributor: GradCAM | GuidedBackprop) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from quantus.metrics.robustness.max_sensitivity import MaxSensitivity as Oracle

    whole = smooth(attributor)
    turns = iter(perturbations(whole, 7, 0.05).transpose(0, 1).flatten(2).numpy())
    metric = Oracle(
        nr_samples=7,
        perturb_func=lambda arr, **_options: arr + next(turns),
        disable_warnings=True,
        return_aggregate=False,
    )
    metric.explain_func = lambda model, inputs, targets, **_options: whole.attributor(
        whole.network, torch.from_numpy(inputs), torch.from_numpy(targets)
    ).maps.numpy()[:, None]
    metric.explain_func_kwargs = {}
    expected = metric.evaluate_batch(
        model=None,  # type: ignore[arg-type]
        x_batch=whole.probe.inputs.numpy(),
        y_batch=whole.probe.targets.numpy(),
        a_batch=whole.maps.numpy()[:, None],
    )
    found = MaxSensitivity(radius=0.05, samples=7).scores(whole)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10)


def test_the_score_of_an_image_does_not_depend_on_its_batch() -> None:
    whole, metric = smooth(GradCAM(), 5), MaxSensitivity(samples=6)
    scores = metric.scores(whole)
    for places in ([0], [3, 1], [4, 2, 0]):
        torch.testing.assert_close(metric.scores(part(whole, places)), scores[places], rtol=1e-10, atol=0)


def test_more_samples_find_no_smaller_maximum_and_a_large_part_of_what_they_find() -> None:
    whole = smooth(GuidedBackprop())
    scores = [MaxSensitivity(samples=samples).scores(whole) for samples in (1, 4, 16)]
    assert (scores[1] >= scores[0]).all()
    assert (scores[2] >= scores[1]).all()
    assert (scores[2] < 3 * scores[0]).all()


def test_a_zero_map_has_no_score_and_a_reason_and_leaves_the_others_alone() -> None:
    whole = smooth(FirstChannel(), 3)
    whole.probe.inputs[1, 0] = 0
    scores = MaxSensitivity().scores(whole)
    assert scores.isnan().tolist() == [False, True, False]
    reasons = undefined_reasons(MaxSensitivity.undefined, whole.maps)
    assert reasons == ["", "no relevance at all", ""]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"radius": 0.0}, "radius: 0.0: use a number above 0"),
        ({"radius": math.nan}, "radius: nan"),
        ({"samples": 0}, "samples: 0: use a whole number from 1"),
        ({"samples": 2.0}, "samples: 2.0"),
        ({"samples": True}, "samples: True"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        MaxSensitivity(**options)  # type: ignore[arg-type]
