import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.metrics import METRICS
from attribution.metrics.rra import relevance_rank_accuracy
from attribution.metrics.topk import TopK, topk_intersection
from attribution.tests.array_frameworks import difference_between_frameworks, some_maps, trying_maps


def test_a_map_checked_by_hand() -> None:
    maps = np.array([[[9.0, 8.0, 1.0], [7.0, 2.0, 3.0]]])
    masks = np.array([[[True, False, False], [True, False, False]]])
    assert [topk_intersection(maps, masks, k=k)[0] for k in (1, 2, 3, 4)] == pytest.approx([1, 1 / 2, 2 / 3, 2 / 4])


def test_pixels_without_positive_relevance_are_tied() -> None:
    """One pixel is positive and outside; the other two places go to three equal pixels, one of them in the mask."""
    maps = np.array([[[5.0, -3.0], [0.0, -1.0]]])
    masks = np.array([[[False, True], [False, False]]])
    assert topk_intersection(maps, masks, k=3) == pytest.approx([2 * (1 / 3) / 3])


@pytest.mark.parametrize("k", [1, 10, 100])
def test_equals_quantus_where_no_values_are_tied(k: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from quantus.metrics.localisation.top_k_intersection import TopKIntersection

        metric = TopKIntersection(k=k, abs=False, normalise=False, disable_warnings=True)
    maps, masks = some_maps(1, count=50, height=20, width=16)
    maps = np.abs(maps)
    expected = metric.evaluate_batch(a_batch=maps[:, None], s_batch=masks[:, None])
    np.testing.assert_allclose(topk_intersection(maps, masks, k=k), np.ravel(expected), atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpy_torch_and_the_strict_array_api_agree(dtype: type) -> None:
    maps, masks = trying_maps()
    assert difference_between_frameworks(TopK(k=20).of_maps, maps, masks, dtype) == 0


def test_an_empty_mask_and_a_map_without_positive_relevance_are_undefined() -> None:
    maps, masks = some_maps(count=3)
    masks[0] = False
    maps[1] = -1
    assert np.isnan(topk_intersection(maps, masks, k=5)).tolist() == [True, True, False]


def test_k_larger_than_a_map_is_refused_with_the_largest_that_goes() -> None:
    with pytest.raises(ValueError, match="k: 1000: maps of 9 x 7 have 63 pixels: take k from 1 to 63"):
        METRICS["TopK"]().of_maps(*some_maps())  # type: ignore[attr-defined]


@pytest.mark.parametrize("k", [0, -3, 1.5])
def test_k_must_be_a_whole_number_of_pixels(k: float) -> None:
    with pytest.raises(ValueError, match=r"k: .*whole number from 1"):
        TopK(k=k)  # type: ignore[arg-type]


@given(seed=st.integers(0, 1000))
def test_with_the_size_of_the_mask_as_k_it_is_the_rank_accuracy(seed: int) -> None:
    maps, masks = some_maps(seed, count=1)
    score = topk_intersection(maps, masks, k=int(masks.sum()))
    np.testing.assert_allclose(score, relevance_rank_accuracy(maps, masks))
