import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d

from attribution.attributors.gradcam import GradCAM
from attribution.metrics.base import Explained
from attribution.metrics.deletion_insertion import Deletion, Insertion, blurred
from attribution.metrics.masking import places
from attribution.tests.small_explained import FirstChannel, Linear, explained, part
from attribution.tests.small_networks import SIZE, PlainReLU, network, some_images


def small(count: int = 4) -> Explained:
    return explained(network(PlainReLU(), "features.3"), GradCAM(), some_images(count))


def evident() -> Explained:
    """Class 0's logit is 8 times the first pixel, class 1's is 0; the image is 1 there and 0 elsewhere."""
    tested = network(Linear(4, classes=2), "", classes=2, size=4)
    with torch.no_grad():
        for parameter in tested.module.parameters():
            parameter.zero_()
        next(tested.module.parameters())[0, 0] = 8.0
    images = torch.zeros(1, 3, 4, 4, dtype=torch.float64)
    images[0, 0, 0, 0] = 1.0
    made = explained(tested, FirstChannel(), images)
    maps = -torch.arange(16.0, dtype=torch.float64).view(1, 4, 4) + 20
    return replace(made, maps=maps)


CERTAIN = 1 / (1 + math.exp(-8))


def test_deletion_checked_by_hand() -> None:
    # p is sigmoid(8) with the first pixel and 1/2 without; it goes in the first of four steps.
    expected = ((CERTAIN + 0.5) / 2 + 3 * 0.5) / 4
    assert Deletion(steps=4).scores(evident()).item() == pytest.approx(expected)


def test_insertion_checked_by_hand() -> None:
    expected = ((0.5 + CERTAIN) / 2 + 3 * CERTAIN) / 4
    assert Insertion(steps=4, baseline="mean").scores(evident()).item() == pytest.approx(expected)


def test_with_the_same_baseline_insertion_is_deletion_of_the_reversed_ranking() -> None:
    made = small()
    maps = torch.rand(made.maps.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    inserted = Insertion(steps=8, baseline="black").scores(replace(made, maps=maps))
    deleted = Deletion(steps=8, baseline="black").scores(replace(made, maps=1 - maps))
    torch.testing.assert_close(inserted, deleted)


@pytest.mark.parametrize("baseline", ["mean", "black", "blur"])
@pytest.mark.parametrize("kind", [Deletion, Insertion])
def test_equals_a_slow_reference(kind: type[Deletion] | type[Insertion], baseline: str) -> None:
    made, steps = small(), 7
    black = -torch.tensor(made.network.preprocessing.mean) / torch.tensor(made.network.preprocessing.std)
    expected = []
    for place, (image, each) in enumerate(zip(made.probe.inputs, made.maps, strict=True)):
        fills = {
            "mean": torch.zeros_like(image),
            "black": black.double().view(3, 1, 1).expand_as(image),
            "blur": blurred(image[None])[0],
        }
        start, end = (image, fills[baseline]) if kind is Deletion else (fills[baseline], image)
        ranking = places(each.flatten()[None])[0].argsort()
        points = []
        for step in range(steps + 1):
            picture = start.clone().flatten(1)
            chosen = ranking[: round(step * SIZE * SIZE / steps)]
            picture[:, chosen] = end.flatten(1)[:, chosen]
            chances = made.network.logits(picture.view(1, 3, SIZE, SIZE))[0].detach().softmax(dim=0)
            points.append(float(chances[made.probe.targets[place]]))
        shares = [round(step * SIZE * SIZE / steps) / SIZE**2 for step in range(steps + 1)]
        expected.append(np.trapezoid(points, shares) if bool((each > 0).any()) else math.nan)
    scores = kind(steps=steps, baseline=baseline).scores(made)  # type: ignore[arg-type]
    np.testing.assert_allclose(scores.numpy(), expected, atol=1e-12)


def test_the_blur_equals_scipys_and_keeps_one_colour() -> None:
    image = some_images(1, size=48)
    radius, sigma = 1, 5 * 48 / 224
    weights = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    expected = image.numpy()
    for axis in (2, 3):
        expected = correlate1d(expected, weights / weights.sum(), axis=axis, mode="mirror")
    np.testing.assert_allclose(blurred(image).numpy(), expected, atol=1e-12)
    torch.testing.assert_close(blurred(torch.full((1, 3, 224, 224), 0.7)), torch.full((1, 3, 224, 224), 0.7))


def test_scores_do_not_depend_on_batch_mates() -> None:
    made = small(5)
    for metric in (Deletion(steps=5), Insertion(steps=5)):
        alone = torch.cat([metric.scores(part(made, [place])) for place in range(5)])
        torch.testing.assert_close(metric.scores(made), alone, atol=1e-9, rtol=0, equal_nan=True)


def test_a_map_without_positive_relevance_or_with_nan_is_undefined() -> None:
    made = small()
    maps = torch.rand(made.maps.shape, dtype=torch.float64)
    maps[1], maps[2, 0, 0] = -1.0, math.nan
    assert Deletion(steps=3).scores(replace(made, maps=maps)).isnan().tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    ("options", "field"), [({"steps": 0}, "steps"), ({"steps": 2.5}, "steps"), ({"baseline": "white"}, "baseline")]
)
@pytest.mark.parametrize("kind", [Deletion, Insertion])
def test_options_that_make_no_sense_are_refused_by_name(kind: type, options: dict[str, object], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        kind(**options)
