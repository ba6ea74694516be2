import math

import numpy as np
import pytest
import torch
from torch import Tensor

from attribution.attributors.gradcam import GradCAM
from attribution.attributors.guided_backprop import GuidedBackprop
from attribution.metrics import Explained
from attribution.metrics.input_stability import InputStability, published_change
from attribution.metrics.perturbation import draws
from attribution.tests.small_explained import FirstChannel, explained, part
from attribution.tests.small_networks import SmoothAfterReLU, network, some_images


def smooth(attributor: GradCAM | GuidedBackprop | FirstChannel, count: int = 4, *, graph: bool = False) -> Explained:
    return explained(network(SmoothAfterReLU(), "third"), attributor, some_images(count), create_graph=graph)


def noisy(whole: Explained, sample: int, noise: float) -> Tensor:
    """The inputs with the noise that the metric draws."""
    inputs = whole.probe.inputs
    drawn = draws("normal", whole.probe.seeds, [sample] * len(inputs), inputs.shape[1:], like=inputs)
    return inputs + drawn * noise


def slow_published(maps: np.ndarray, others: np.ndarray, inputs: np.ndarray, perturbed: np.ndarray) -> float:
    """The study's formula for one image, value by value, with maps that are normalised already."""
    above = sum(abs((b - a) / (a + 1e-9)) for a, b in zip(maps.ravel(), others.ravel(), strict=True))
    below = sum(abs((b - a) / (a + 1e-9)) for a, b in zip(inputs.ravel(), perturbed.ravel(), strict=True))
    return float(above / (below + 1e-9))


def test_the_score_is_the_largest_relative_change_among_the_copies() -> None:
    whole = smooth(FirstChannel(), 2)
    size = torch.linalg.vector_norm(whole.maps.flatten(1), dim=1)
    moved = [
        torch.linalg.vector_norm((noisy(whole, k, 0.05) - whole.probe.inputs)[:, 0].flatten(1), dim=1)
        for k in range(10)
    ]
    expected = torch.stack(moved).amax(dim=0) / size
    torch.testing.assert_close(InputStability().scores(whole), expected)


def test_the_loss_is_the_mean_change_to_the_first_copy() -> None:
    whole = smooth(FirstChannel(), 3)
    expected = InputStability(samples=1).scores(whole).mean()
    torch.testing.assert_close(InputStability().loss(whole), expected)


def test_the_published_change_checked_by_hand() -> None:
    maps, others = torch.tensor([[[1.0, 0.5]]]).double(), torch.tensor([[[0.5, 1.0]]]).double()
    inputs, perturbed = torch.tensor([[[[2.0, -1.0]]]]).double(), torch.tensor([[[[3.0, -1.0]]]]).double()
    assert published_change(maps, others, inputs, perturbed).tolist() == pytest.approx([(0.5 + 1.0) / 0.5])


def test_the_published_score_equals_the_studys_formula_value_by_value() -> None:
    whole = smooth(GuidedBackprop(), 2)
    expected = []
    for image in range(2):
        changes = []
        for sample in range(3):
            perturbed = noisy(whole, sample, 0.05)
            others = whole.attributor(whole.network, perturbed, whole.probe.targets).maps
            own, other = (each[image].numpy() for each in (whole.maps, others))
            own, other = (each / (np.abs(each).max() + 1e-9) for each in (own, other))
            changes.append(slow_published(own, other, whole.probe.inputs[image].numpy(), perturbed[image].numpy()))
        expected.append(max(changes))
    found = InputStability(variant="published", samples=3).scores(whole)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9)


def test_the_published_loss_equals_the_studys_formula_value_by_value() -> None:
    whole = smooth(GuidedBackprop(), 2, graph=True)
    perturbed = noisy(whole, 0, 0.05)
    others = whole.attributor(whole.network, perturbed, whole.probe.targets).maps.numpy()
    maps = whole.maps.detach().numpy()
    expected = [
        slow_published(
            maps[image] / (np.abs(maps[image]).sum() + 1e-9),
            others[image] / (np.abs(others[image]).sum() + 1e-9),
            whole.probe.inputs[image].numpy(),
            perturbed[image].numpy(),
        )
        for image in range(2)
    ]
    found = InputStability(variant="published").loss(whole)
    assert float(found.detach()) == pytest.approx(np.mean(expected), rel=1e-9)


@pytest.mark.parametrize(("variant", "flows"), [("standard", True), ("published", False)])
def test_the_gradient_flows_through_the_map_of_the_image_itself_only_in_the_standard_variant(
    variant: str, flows: bool
) -> None:
    whole = smooth(GradCAM(), graph=True)
    whole.maps.retain_grad()
    InputStability(variant=variant).loss(whole).backward()  # type: ignore[arg-type]
    assert (whole.maps.grad is not None) == flows
    assert whole.network.module.third.weight.grad is not None  # type: ignore[union-attr]


def test_a_zero_map_has_neither_score_nor_gradient_and_leaves_the_others_alone() -> None:
    for metric in (InputStability(), InputStability(variant="published")):
        whole = smooth(FirstChannel(), 3)
        whole.probe.inputs[1, 0] = 0
        assert metric.scores(whole).isnan().tolist() == [False, True, False]
        both = metric.loss(part(whole, [0, 2]))
        torch.testing.assert_close(metric.loss(part(whole, [0, 1, 2])), both)
        assert float(metric.loss(part(whole, [1]))) == 0


def test_a_batch_of_zero_maps_has_a_loss_whose_gradient_is_zero() -> None:
    tested = network(SmoothAfterReLU(), "third")
    with torch.no_grad():
        tested.module.head.weight.zero_()  # type: ignore[union-attr, operator]
    whole = explained(tested, GradCAM(), some_images(2), create_graph=True)
    for metric in (InputStability(), InputStability(variant="published")):
        loss = metric.loss(whole)
        assert float(loss.detach()) == 0
        loss.backward(retain_graph=True)
        for parameter in tested.module.parameters():
            assert parameter.grad is None or parameter.grad.abs().sum() == 0


@pytest.mark.parametrize("attributor", [GradCAM(), GuidedBackprop()])
def test_descending_the_loss_makes_maps_more_stable(attributor: GradCAM | GuidedBackprop) -> None:
    tested = network(SmoothAfterReLU(), "third")
    metric = InputStability()
    before = metric.scores(explained(tested, attributor, some_images(4))).mean()
    optimizer = torch.optim.Adam(tested.module.parameters(), lr=1e-3)
    for step in range(10):
        seeds = tuple(range(4 * step, 4 * step + 4))
        optimizer.zero_grad()
        metric.loss(explained(tested, attributor, some_images(4), seeds=seeds, create_graph=True)).backward()
        optimizer.step()
    after = metric.scores(explained(tested, attributor, some_images(4))).mean()
    assert float(after) < 0.95 * float(before)


def test_the_score_and_the_loss_of_an_image_do_not_depend_on_its_batch() -> None:
    whole, metric = smooth(GuidedBackprop(), 5), InputStability(samples=6)
    scores = metric.scores(whole)
    losses = torch.stack([metric.loss(part(whole, [place])) for place in range(5)])
    torch.testing.assert_close(metric.scores(part(whole, [3, 1])), scores[[3, 1]], rtol=1e-10, atol=0)
    torch.testing.assert_close(metric.loss(whole), losses.mean(), rtol=1e-10, atol=0)


def test_the_published_weight_and_learning_rate_belong_to_the_published_loss() -> None:
    assert InputStability(variant="published").published == (5e-6, 3e-5)
    assert InputStability().published is None


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"variant": "both"}, "variant: 'both': use 'standard' or 'published'"),
        ({"noise": math.inf}, "noise: inf"),
        ({"samples": 0}, "samples: 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, str | float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        InputStability(**options)  # type: ignore[arg-type]
