import itertools
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attribution.metrics import METRICS
from attribution.metrics.rra import UNDEFINED_RANKS, relevance_rank_accuracy
from attribution.metrics.undefined import undefined_reasons
from attribution.tests.array_frameworks import difference_between_frameworks, explained, some_maps, trying_maps


def test_a_map_checked_by_hand() -> None:
    """The three highest pixels are 9, 8 and 7; the mask of three has 9 and 7."""
    maps = np.array([[[9.0, 8.0, 1.0], [7.0, 2.0, 3.0]]])
    masks = np.array([[[True, False, True], [True, False, False]]])
    assert relevance_rank_accuracy(maps, masks) == pytest.approx([2 / 3])


def test_tied_pixels_share_the_places_that_are_left() -> None:
    """4 is in; the second place goes to one of the two 3s, of which one is in the mask; then to one of three zeros."""
    maps = np.array([[[4.0, 3.0], [3.0, 0.0]], [[4.0, -3.0], [0.0, -1.0]]])
    masks = np.array([[[True, True], [False, False]]] * 2)
    assert relevance_rank_accuracy(maps, masks) == pytest.approx([(1 + 1 / 2) / 2, (1 + 1 / 3) / 2])


def test_ties_count_as_the_mean_over_all_orders_of_the_pixels() -> None:
    rng = np.random.default_rng(3)
    maps = rng.integers(0, 3, size=(6, 2, 3)).astype(float)
    maps[:, 1, 1] = 2
    masks = rng.random((6, 2, 3)) < 0.5
    masks[:, 0, 0] = True
    for map_, mask, score in zip(
        maps.reshape(6, -1), masks.reshape(6, -1), relevance_rank_accuracy(maps, masks), strict=True
    ):
        shares = []
        for order in itertools.permutations(range(6)):
            places = sorted(order, key=lambda pixel: -map_[pixel])[: mask.sum()]
            shares.append(mask[places].mean())
        assert score == pytest.approx(np.mean(shares), abs=1e-12)


def test_equals_quantus_where_no_values_are_tied() -> None:
    """Quantus leaves the order of tied pixels to the sorting algorithm."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from quantus.metrics.localisation.relevance_rank_accuracy import RelevanceRankAccuracy

        metric = RelevanceRankAccuracy(abs=False, normalise=False, disable_warnings=True)
    maps, masks = some_maps(1, count=50, height=20, width=16)
    maps = np.abs(maps)
    expected = metric.evaluate_batch(a_batch=maps[:, None], s_batch=masks[:, None])
    np.testing.assert_allclose(relevance_rank_accuracy(maps, masks), np.ravel(expected), atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpy_torch_and_the_strict_array_api_agree(dtype: type) -> None:
    assert difference_between_frameworks(relevance_rank_accuracy, *trying_maps(), dtype) == 0


def test_undefined_scores_have_a_reason_and_the_others_none() -> None:
    maps, masks = trying_maps()
    reasons = undefined_reasons(UNDEFINED_RANKS, maps, masks)
    assert reasons[:5] == [
        "no positive relevance",
        "no positive relevance",
        "",
        "NaN or infinite values in the map",
        "NaN or infinite values in the map",
    ]
    assert reasons[7] == "empty mask"
    assert [bool(reason) for reason in reasons] == np.isnan(relevance_rank_accuracy(maps, masks)).tolist()


def test_a_mask_of_the_whole_image_scores_one() -> None:
    maps, masks = some_maps()
    np.testing.assert_array_equal(relevance_rank_accuracy(maps, masks | True), 1)


@given(seed=st.integers(0, 1000))
def test_any_rising_function_and_any_turn_of_the_image_keep_the_score(seed: int) -> None:
    maps, masks = some_maps(seed)
    maps = np.round(maps * 2)
    score = relevance_rank_accuracy(maps, masks)
    np.testing.assert_allclose(relevance_rank_accuracy(np.sign(maps) * maps**2, masks), score)
    np.testing.assert_allclose(relevance_rank_accuracy(maps[:, ::-1, ::-1], masks[:, ::-1, ::-1]), score)


def test_the_metric_scores_a_map_alike_alone_and_in_a_batch() -> None:
    maps, masks = (torch.from_numpy(array) for array in trying_maps())
    metric = METRICS["RRA"]()
    together = metric.scores(explained(maps, masks))
    alone = [metric.scores(explained(maps[i : i + 1], masks[i : i + 1])) for i in range(len(maps))]
    torch.testing.assert_close(torch.cat(alone), together, rtol=0, atol=0, equal_nan=True)
