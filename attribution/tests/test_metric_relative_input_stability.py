import math
import warnings

import numpy as np
import pytest
import torch
from torch import Tensor

from attribution.attributors import Attribution
from attribution.attributors.gradcam import GradCAM
from attribution.attributors.guided_backprop import GuidedBackprop
from attribution.metrics import Explained
from attribution.metrics.perturbation import draws
from attribution.metrics.relative_input_stability import RelativeInputStability, stability_ratio
from attribution.networks import Network
from attribution.tests.small_explained import FirstChannel, explained, part
from attribution.tests.small_networks import SmoothAfterReLU, network, some_images


def smooth(attributor: GradCAM | GuidedBackprop | FirstChannel, count: int = 4) -> Explained:
    return explained(network(SmoothAfterReLU(), "third"), attributor, some_images(count))


def test_a_ratio_checked_by_hand() -> None:
    maps, others = torch.tensor([[[2.0, 4.0]]]), torch.tensor([[[1.0, 4.0]]])  # changes by 1/2 and 0
    inputs, perturbed = torch.tensor([[[[1.0, -2.0]]]]), torch.tensor([[[[1.3, -1.2]]]])  # by .3 and .4
    assert stability_ratio(maps, others, inputs, perturbed, 1e-6).tolist() == pytest.approx([0.5 / 0.5])


def test_eps_stands_for_zeros_and_bounds_the_divisor() -> None:
    maps, others = torch.tensor([[[0.0, 1.0]]]), torch.tensor([[[0.003, 1.0]]])
    inputs = torch.ones(1, 1, 1, 2)
    assert stability_ratio(maps, others, inputs, inputs, 1e-3).tolist() == pytest.approx([3 / 1e-3])


@pytest.mark.parametrize("attributor", [GradCAM(), GuidedBackprop()])
def test_equals_the_maximum_of_quantus_objective_over_the_same_perturbations(
    attributor: GradCAM | GuidedBackprop,
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from quantus.metrics.robustness.relative_input_stability import RelativeInputStability as Oracle

    whole, radius = smooth(attributor), 0.01
    inputs, predicted = whole.probe.inputs, whole.logits.argmax(dim=1)
    metric = Oracle(disable_warnings=True)
    values = []
    for sample in range(6):
        noise = draws("uniform", whole.probe.seeds, [sample] * 4, inputs.shape[1:], like=inputs) * radius
        made = attributor(whole.network, inputs + noise, whole.probe.targets)
        value = metric.relative_input_stability_objective(
            inputs.numpy().copy(), (inputs + noise).numpy(), whole.maps.numpy()[:, None], made.maps.numpy()[:, None]
        )
        values.append(np.where((made.logits.argmax(dim=1) == predicted).numpy(), value, -np.inf))
    found = RelativeInputStability(radius=radius, samples=6).scores(whole)
    np.testing.assert_allclose(found.numpy(), np.max(values, axis=0), rtol=1e-9)


class Moody(FirstChannel):
    """Predicts class 1 for inputs whose first value lies above a threshold, else class 0."""

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        above = (images[:, 0, 0, 0] > 0.1).long()
        return Attribution(images[:, 0], torch.eye(5, dtype=images.dtype)[above])


def test_perturbations_that_change_the_prediction_are_left_out() -> None:
    images = some_images(1)
    images[0, 0, 0, 0] = 0.1
    whole = explained(network(SmoothAfterReLU(), "third"), Moody(), images)
    ratios, kept = [], []
    for sample in range(10):
        noise = draws("uniform", whole.probe.seeds, [sample], images.shape[1:], like=images) * 0.02
        ratios.append(float(stability_ratio(images[:, 0], (images + noise)[:, 0], images, images + noise, 1e-6)[0]))
        kept.append(float(noise[0, 0, 0, 0]) <= 0)
    expected = max(ratio for ratio, same in zip(ratios, kept, strict=True) if same)
    assert 0 < sum(kept) < 10
    assert RelativeInputStability().scores(whole).tolist() == pytest.approx([expected])


def test_without_a_perturbation_that_keeps_the_prediction_the_score_is_undefined() -> None:
    class Contrary(FirstChannel):
        def __call__(
            self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False
        ) -> Attribution:
            unperturbed = bool((images == clean).all())
            return Attribution(images[:, 0], torch.eye(5)[[0 if unperturbed else 1] * len(images)])

    clean = some_images(1)
    whole = explained(network(SmoothAfterReLU(), "third"), Contrary(), clean)
    assert RelativeInputStability(samples=3).scores(whole).isnan().tolist() == [True]


def test_a_zero_map_has_no_score() -> None:
    whole = smooth(FirstChannel(), 3)
    whole.probe.inputs[1, 0] = 0
    assert RelativeInputStability().scores(whole).isnan().tolist() == [False, True, False]


def test_the_scale_of_maps_does_not_matter_where_they_have_no_zeros() -> None:
    maps, others = some_images(2)[:, 0], some_images(2, seed=2)[:, 0]
    inputs, perturbed = some_images(2, seed=3), some_images(2, seed=4)
    expected = stability_ratio(maps, others, inputs, perturbed, 1e-6)
    torch.testing.assert_close(stability_ratio(maps * 7, others * 7, inputs, perturbed, 1e-6), expected)


def test_the_score_of_an_image_does_not_depend_on_its_batch() -> None:
    whole, metric = smooth(GuidedBackprop(), 5), RelativeInputStability(samples=6)
    scores = metric.scores(whole)
    for places in ([0], [4, 2, 0]):
        torch.testing.assert_close(metric.scores(part(whole, places)), scores[places], rtol=1e-9, atol=0)


@pytest.mark.parametrize("options", [{"radius": -1.0}, {"samples": 0}, {"eps": 0.0}, {"eps": math.nan}])
def test_options_that_make_no_sense_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        RelativeInputStability(**options)  # type: ignore[arg-type]
