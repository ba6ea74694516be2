import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attribution.attributors.gradcam import GradCAM
from attribution.metrics.base import Explained
from attribution.metrics.masking import places, probabilities
from attribution.metrics.road import PERCENTAGES, ROAD
from attribution.networks import Network
from attribution.tests.direct_imputation import direct_imputation
from attribution.tests.small_explained import FirstChannel, explained, part
from attribution.tests.small_networks import SIZE, PlainReLU, network, some_images


class LooksAtOnePixel(nn.Module):
    """Class 0 as long as the pixel at (3, 4) is bright, else class 1."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(4.0))

    def forward(self, images: Tensor) -> Tensor:
        bright = images[:, 0, 3, 4]
        return self.gain * torch.stack([bright, 1 - bright], dim=1)


def one_pixel(relevance: float) -> Explained:
    """A dark image with the one bright pixel, whose relevance is given; other relevances go from 0 to 1."""
    size = 20
    tested = network(LooksAtOnePixel(), "", classes=2, size=size)
    with torch.no_grad():
        next(tested.module.parameters()).fill_(4.0)
    images = torch.zeros(1, 3, size, size, dtype=torch.float64)
    images[:, :, 3, 4] = 1.0
    maps = torch.linspace(0, 1, size * size, dtype=torch.float64).view(1, size, size).clone()
    maps[0, 3, 4] = relevance
    made = explained(tested, FirstChannel(), images)
    return replace(made, maps=maps)


def small(count: int = 4) -> Explained:
    return explained(network(PlainReLU(), "features.3"), GradCAM(), some_images(count))


def learning(**options: object) -> tuple[Explained, Tensor]:
    """A probe whose maps are a leaf of the graph."""
    made = small()
    maps = torch.randn(made.maps.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    maps.requires_grad_()
    return replace(made, maps=maps), maps


def test_the_percentages_are_the_ten_of_the_published_study() -> None:
    assert list(range(5, 95, 9)) == list(PERCENTAGES)


def test_a_map_that_ranks_the_deciding_pixel_first_loses_the_class_at_every_percentage() -> None:
    assert ROAD().scores(one_pixel(2.0)).item() == 0.0


def test_a_map_that_ranks_the_deciding_pixel_in_the_middle_loses_it_from_there_on() -> None:
    # Relevance .55 is among the top 50 % but not the top 41 %: the class is kept at 5, 14, 23, 32 and 41 %.
    assert ROAD().scores(one_pixel(0.55)).item() == 0.5


def test_the_least_relevant_first_is_one_minus_what_is_kept() -> None:
    # Relevance .7 is kept at 5, ..., 68 % of the least relevant, which are eight of the ten.
    assert ROAD(order="lerf").scores(one_pixel(0.7)).item() == pytest.approx(0.2)


@pytest.mark.parametrize("score", ["accuracy", "probability"])
def test_equals_a_slow_reference_without_noise(score: str) -> None:
    made = small()
    expected = []
    for place, (image, each) in enumerate(zip(made.probe.inputs, made.maps, strict=True)):
        target = int(made.probe.targets[place])
        # Ties of the map are broken as `places` says; nothing else is shared with the code under test.
        rank = places(each.flatten()[None])[0].view(SIZE, SIZE)
        found = []
        for percentage in PERCENTAGES:
            removed = (rank < int(SIZE * SIZE * percentage / 100)).numpy()
            filled = torch.from_numpy(direct_imputation(image.numpy(), removed))[None]
            chances = made.network.logits(filled)[0].detach().softmax(dim=0)
            found.append(float(chances[target]) if score == "probability" else float(chances.argmax() == target))
        expected.append(float(np.mean(found)) if bool((each > 0).any()) else math.nan)
    metric = ROAD(score=score, noise=0.0)  # type: ignore[arg-type]
    np.testing.assert_allclose(metric.scores(made).numpy(), expected, atol=1e-4)


def test_scores_do_not_depend_on_batch_mates() -> None:
    made, metric = small(5), ROAD(score="probability")
    alone = torch.cat([metric.scores(part(made, [place])) for place in range(5)])
    torch.testing.assert_close(metric.scores(made), alone, atol=1e-5, rtol=0, equal_nan=True)


def test_noise_follows_from_the_seed_and_has_the_unit_of_pixel_values() -> None:
    made, metric = one_pixel(2.0), ROAD(noise=0.1)
    noise = metric._noise(made, torch.tensor([0]), 3)
    assert torch.equal(noise, metric._noise(made, torch.tensor([0]), 3))
    assert not torch.equal(noise, metric._noise(made, torch.tensor([0]), 4))
    # The standard deviation of the preprocessing is .25, so .1 of a pixel value is .4 of the network's input.
    assert noise.std().item() == pytest.approx(0.4, rel=0.1)


def test_a_map_without_positive_relevance_is_undefined_and_takes_no_part_in_the_loss() -> None:
    made = small()
    maps = made.maps.clone()
    maps[1] = -1.0
    changed = replace(made, maps=maps)
    scores = ROAD().scores(changed)
    assert math.isnan(scores[1])
    assert not bool(scores[[0, 2, 3]].isnan().any())
    kept = [0, 2, 3]
    others = replace(part(made, kept), maps=maps[kept], logits=made.logits[kept])
    assert ROAD().loss(changed).item() == pytest.approx(ROAD().loss(others).item(), abs=1e-6)


def test_a_batch_without_any_usable_map_has_the_loss_zero_and_no_gradient() -> None:
    made, maps = learning()
    silent = replace(made, maps=maps.clamp(max=0))
    loss = ROAD().loss(silent)
    loss.backward()
    assert loss.item() == 0
    assert maps.grad is not None
    assert maps.grad.abs().sum() == 0


def test_the_published_loss_is_the_mean_ratio_of_probabilities_under_the_removed_pixels() -> None:
    made, _ = learning()
    metric = ROAD(percentages=(50,), noise=0.0, variant="published")
    expected = []
    for place, (image, each) in enumerate(zip(made.probe.inputs, made.maps.detach(), strict=True)):
        removed = (each > each.flatten().sort().values[SIZE * SIZE // 2 - 1]).numpy()
        filled = torch.from_numpy(direct_imputation(image.numpy(), removed))[None]
        target = made.probe.targets[place, None]
        before, after = (probabilities(made.network.logits(x), target) for x in (image[None], filled))
        expected.append(float((after / before).detach()))
    assert metric.loss(made).item() == pytest.approx(np.mean(expected), abs=1e-4)


def test_the_differentiable_loss_comes_to_the_published_one_as_the_mask_gets_sharp() -> None:
    made, _ = learning()
    published = ROAD(variant="published", noise=0.0).loss(made).item()
    sharp = ROAD(temperature=1e-6, noise=0.0).loss(made).item()
    assert sharp == pytest.approx(published, rel=1e-4)
    assert ROAD(temperature=1.0, noise=0.0).loss(made).item() != pytest.approx(published, rel=1e-2)


def test_only_the_differentiable_loss_has_a_gradient_to_the_map() -> None:
    for variant, expected in (("differentiable", True), ("published", False)):
        made, maps = learning()
        loss = ROAD(variant=variant).loss(made)  # type: ignore[arg-type]
        (gradient,) = torch.autograd.grad(loss, maps, allow_unused=True, materialize_grads=True)
        assert bool(gradient.abs().sum() > 0) is expected


def test_the_gradient_to_the_map_equals_finite_differences() -> None:
    made, maps = learning()
    metric, step = ROAD(), 1e-6
    (gradient,) = torch.autograd.grad(metric.loss(made), maps)
    direction = torch.randn(maps.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    there, back = (metric.loss(replace(made, maps=(maps + sign * step * direction).detach())) for sign in (1, -1))
    assert ((there - back) / (2 * step)).item() == pytest.approx(float((gradient * direction).sum()), rel=1e-5)


def test_the_loss_falls_along_its_gradient_and_so_does_the_score() -> None:
    made, maps = learning()
    metric = ROAD(score="probability", noise=0.0)
    before = metric.scores(made).mean()
    moved = maps
    for seed in range(40):
        seeds = tuple(seed * 100 + place for place in range(len(moved)))
        now = replace(made, maps=moved, probe=replace(made.probe, seeds=seeds))
        (gradient,) = torch.autograd.grad(metric.loss(now), moved)
        moved = (moved - 0.5 * gradient / gradient.std()).detach().requires_grad_()
    assert metric.scores(replace(made, maps=moved.detach())).mean() < before - 0.01


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"percentages": ()}, "percentages"),
        ({"percentages": (0, 50)}, "percentages"),
        ({"percentages": (100,)}, "percentages"),
        ({"order": "random"}, "order"),
        ({"score": "logit"}, "score"),
        ({"noise": -0.1}, "noise"),
        ({"noise": math.nan}, "noise"),
        ({"variant": "soft"}, "variant"),
        ({"temperature": 0.0}, "temperature"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(options: dict[str, object], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        ROAD(**options)  # type: ignore[arg-type]


def test_a_network_that_chooses_among_some_classes_is_judged_by_those() -> None:
    made = small()
    target = int(made.probe.targets[0])
    only: Network = made.network.restricted([target])
    assert ROAD().scores(replace(part(made, [0]), network=only)).item() == 1.0
