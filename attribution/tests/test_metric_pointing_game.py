import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.metrics.pointing_game import PointingGame, pointing_game
from attribution.tests.array_frameworks import difference_between_frameworks, some_maps, trying_maps


def one_point(row: int, column: int, *, size: int = 40) -> np.ndarray:
    maps = np.zeros((1, size, size))
    maps[0, row, column] = 1
    return maps


def slow_pointing_game(maps: np.ndarray, masks: np.ndarray, tolerance: float) -> list[float]:
    """Every pixel of the mask against every highest pixel."""
    scores = []
    for map_, mask in zip(maps, masks, strict=True):
        if not mask.any() or not map_.max() > 0:
            scores.append(math.nan)
            continue
        hits = [
            any(math.hypot(*(point - pixel)) <= tolerance for pixel in np.argwhere(mask))
            for point in np.argwhere(map_ == map_.max())
        ]
        scores.append(float(np.mean(hits)))
    return scores


@pytest.mark.parametrize(
    ("row", "column", "hit"),
    [(5, 5, 1), (5, 20, 1), (5, 21, 0), (20, 5, 1), (14, 17, 1), (15, 17, 0), (17, 14, 1), (17, 15, 0)],
)
def test_the_tolerance_is_a_euclidean_distance_in_pixels(row: int, column: int, hit: float) -> None:
    """The mask is the pixel (5, 5); (14, 17) is exactly 15 away, as 9^2 + 12^2 = 15^2."""
    masks = one_point(5, 5) > 0
    assert pointing_game(one_point(row, column), masks).tolist() == [hit]


def test_without_tolerance_the_pixel_itself_must_lie_in_the_mask() -> None:
    masks = one_point(5, 5) > 0
    maps = np.concatenate([one_point(5, 5), one_point(5, 6)])
    assert pointing_game(maps, np.repeat(masks, 2, axis=0), tolerance=0).tolist() == [1, 0]


def test_equally_high_pixels_score_the_share_of_them_that_hit() -> None:
    maps = one_point(5, 5) + one_point(30, 30) + one_point(30, 5) + one_point(4, 5)
    assert pointing_game(maps, one_point(5, 5) > 0, tolerance=1).tolist() == [0.5]


def test_equals_quantus_without_tolerance_where_masks_are_not_empty() -> None:
    """Quantus stores NaN for an empty mask in an array of bool, where it becomes a hit; such masks are left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from quantus.metrics.localisation.pointing_game import PointingGame as QuantusPointingGame

        metric = QuantusPointingGame(abs=False, normalise=False, disable_warnings=True)
        maps, masks = some_maps(1, count=100)
        expected = metric.evaluate_batch(a_batch=maps[:, None], s_batch=masks[:, None])
        empty = metric.evaluate_batch(a_batch=maps[:1, None], s_batch=np.zeros_like(masks[:1, None]))
    np.testing.assert_array_equal(pointing_game(maps, masks, tolerance=0), np.ravel(expected).astype(float))
    assert np.ravel(empty).tolist() == [True]
    assert np.isnan(pointing_game(maps[:1], np.zeros_like(masks[:1]))).all()


@pytest.mark.parametrize("tolerance", [0, 1, 1.5, 2, math.sqrt(5), 3, 100])
def test_equals_a_slow_plain_search(tolerance: float) -> None:
    maps, masks = some_maps(2, count=60)
    maps[::3] = np.round(maps[::3])
    masks &= np.random.default_rng(5).random(masks.shape) < 0.1
    np.testing.assert_allclose(
        pointing_game(maps, masks, tolerance=tolerance), slow_pointing_game(maps, masks, tolerance), atol=1e-15
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpy_torch_and_the_strict_array_api_agree(dtype: type) -> None:
    maps, masks = trying_maps()
    assert difference_between_frameworks(PointingGame(tolerance=1.5).of_maps, maps, masks, dtype) == 0


def test_a_map_without_a_positive_value_points_nowhere() -> None:
    maps, masks = some_maps(count=3)
    maps[0] = 0
    maps[1] = -1
    assert np.isnan(pointing_game(maps, masks)).tolist() == [True, True, False]


@given(seed=st.integers(0, 1000), tolerance=st.floats(0, 12), more=st.floats(0, 3))
def test_a_larger_tolerance_never_loses_a_hit_and_turning_the_image_changes_nothing(
    seed: int, tolerance: float, more: float
) -> None:
    maps, masks = some_maps(seed)
    score = pointing_game(maps, masks, tolerance=tolerance)
    assert (pointing_game(maps, masks, tolerance=tolerance + more) >= score).all()
    turned = pointing_game(maps.swapaxes(1, 2)[:, ::-1], masks.swapaxes(1, 2)[:, ::-1], tolerance=tolerance)
    np.testing.assert_array_equal(turned, score)


@pytest.mark.parametrize("tolerance", [-1.0, math.nan, math.inf])
def test_a_tolerance_that_is_no_distance_is_refused(tolerance: float) -> None:
    with pytest.raises(ValueError, match=r"tolerance: .*use a distance in pixels, 0 or more"):
        PointingGame(tolerance=tolerance)
