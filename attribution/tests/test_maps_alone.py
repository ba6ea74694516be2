"""What every metric on maps alone has in common."""

from typing import cast

import numpy as np
import pytest
import torch

from attribution.metrics.maps_alone import MapsAlone
from attribution.metrics.undefined import undefined_reasons
from attribution.score_maps import MAP_METRICS
from attribution.tests.array_frameworks import explained, trying_maps
from attribution.tests.small_splits import small_split

OPTIONS = {"TopK": {"k": 20}, "PointingGame": {"tolerance": 1}}


@pytest.fixture(params=MAP_METRICS)
def metric(request: pytest.FixtureRequest) -> MapsAlone:
    name = request.param
    return cast(MapsAlone, MAP_METRICS[name](**OPTIONS.get(name, {})))


def test_a_score_is_undefined_exactly_where_there_is_a_reason(metric: MapsAlone) -> None:
    maps, masks = trying_maps()
    reasons = undefined_reasons(metric.undefined, maps, masks if metric.needs_masks else None)
    scores = metric.of_maps(maps, masks if metric.needs_masks else None)
    assert np.isnan(scores).tolist() == [bool(reason) for reason in reasons]
    assert 0 < np.isnan(scores).sum() < len(maps)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_map_scores_alike_alone_and_in_a_batch(metric: MapsAlone, dtype: torch.dtype) -> None:
    maps, masks = (torch.from_numpy(array) for array in trying_maps())
    maps = maps.to(dtype)
    together = metric.scores(explained(maps, masks))
    alone = [metric.scores(explained(maps[i : i + 1], masks[i : i + 1])) for i in range(len(maps))]
    torch.testing.assert_close(torch.cat(alone), together, rtol=1e-14, atol=1e-14, equal_nan=True)


def test_scores_in_float32_are_those_of_the_same_values_in_float64(metric: MapsAlone) -> None:
    maps, masks = (torch.from_numpy(array) for array in trying_maps())
    single = maps.float()
    scores = metric.scores(explained(single, masks))
    assert scores.dtype == torch.float64
    double = metric.scores(explained(single.double(), masks))
    torch.testing.assert_close(scores, double, rtol=1e-14, atol=1e-14, equal_nan=True)


def test_arrays_are_left_as_they_were(metric: MapsAlone) -> None:
    maps, masks = trying_maps()
    metric.of_maps(maps, masks if metric.needs_masks else None)
    before = trying_maps()
    np.testing.assert_array_equal(maps, before[0])
    np.testing.assert_array_equal(masks, before[1])


def test_a_probe_has_the_images_their_classes_and_masks_only_if_needed(metric: MapsAlone) -> None:
    split = small_split(classes=3, per_class=2, size=8)
    probe = metric.probe(split, [4, 1], seed=0, turn=0, original_logits=lambda inputs: inputs)
    assert probe.items == (4, 1)
    assert probe.targets.tolist() == [1, 1]
    assert (probe.regions is not None) == metric.needs_masks


def test_a_metric_without_a_score_of_maps_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="of_maps"):
        MapsAlone()  # type: ignore[abstract]


@pytest.mark.parametrize("name", ["Complexity", "Sparseness"])
def test_maps_near_the_largest_float_score_as_any_others(name: str) -> None:
    maps, _ = trying_maps()
    maps = maps[np.isfinite(maps).all(axis=(1, 2))]
    factor = 2.0**1023 / np.abs(maps).max()
    measured = cast(MapsAlone, MAP_METRICS[name]())
    np.testing.assert_allclose(measured.of_maps(maps * factor, None), measured.of_maps(maps, None), rtol=1e-12)
