import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attribution.metrics import METRICS, as_learnable
from attribution.metrics.sparseness import Sparseness, sparseness, sparseness_loss
from attribution.tests.array_frameworks import difference_between_frameworks, explained, some_maps, trying_maps


def test_maps_checked_by_hand() -> None:
    """(-3 x 0 - 1 x 1 + 1 x 1 + 3 x 2) / (4 x 4) = 6 / 16; all relevance in one of four pixels: 1 - 1/4."""
    maps = np.array([[[1.0, -2.0], [0.0, 1.0]], [[0.0, 0.0], [-5.0, 0.0]], [[2.0, -2.0], [2.0, 2.0]]])
    assert sparseness(maps) == pytest.approx([6 / 16, 3 / 4, 0])


def test_equals_half_the_mean_difference_of_all_pairs_relative_to_the_mean() -> None:
    maps, _ = some_maps(1, count=20)
    values = np.abs(maps).reshape(20, -1)
    pairs = np.abs(values[:, :, None] - values[:, None, :]).mean(axis=(1, 2))
    np.testing.assert_allclose(sparseness(maps), pairs / (2 * values.mean(axis=1)), rtol=1e-12)


def test_equals_quantus_up_to_what_it_adds_to_every_value() -> None:
    """Quantus adds 1e-7 to every value, whatever the scale of the map: here values are near 1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from quantus.metrics.complexity.sparseness import Sparseness as QuantusSparseness

        metric = QuantusSparseness(normalise=False, disable_warnings=True)
    maps, _ = some_maps(1, count=50, height=20, width=16)
    expected = metric.evaluate_batch(x_batch=maps, a_batch=np.abs(maps)[:, None])
    np.testing.assert_allclose(sparseness(maps), expected, atol=1e-7)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-15), (np.float64, 1e-15)])
def test_numpy_torch_and_the_strict_array_api_agree(dtype: type, tolerance: float) -> None:
    maps, masks = trying_maps()
    assert difference_between_frameworks(Sparseness().of_maps, maps, masks, dtype) <= tolerance


def test_a_map_of_zeros_and_one_that_is_not_finite_are_undefined() -> None:
    maps, _ = some_maps(count=4)
    maps[0] = 0
    maps[1, 0, 0] = np.nan
    maps[2, 0, 0] = -np.inf
    assert np.isnan(sparseness(maps)).tolist() == [True, True, True, False]


@given(seed=st.integers(0, 1000), factor=st.floats(1e-12, 1e12))
def test_neither_scale_nor_sign_nor_place_of_values_matters(seed: int, factor: float) -> None:
    maps, _ = some_maps(seed)
    score = sparseness(maps)
    np.testing.assert_allclose(sparseness(-factor * maps[:, ::-1]), score, rtol=1e-10)
    assert ((score >= 0) & (score <= 1 - 1 / maps[0].size)).all()


def test_the_gradient_of_the_loss_equals_finite_differences() -> None:
    maps = torch.from_numpy(some_maps(2, count=3, height=4, width=5)[0]).requires_grad_()
    assert torch.autograd.gradcheck(sparseness_loss, (maps,))


def test_gradients_are_finite_and_zero_where_the_score_is_undefined() -> None:
    maps = torch.from_numpy(trying_maps()[0]).requires_grad_()
    sparseness_loss(maps).backward()
    assert maps.grad is not None
    assert torch.isfinite(maps.grad).all()
    undefined = sparseness(maps).isnan()
    assert maps.grad[undefined].abs().sum() == 0
    assert (maps.grad[~undefined].flatten(1).abs().sum(dim=1) > 0).all()


def test_the_loss_is_what_is_missing_to_one_and_nothing_without_a_defined_map() -> None:
    maps = torch.tensor([[[1.0, -2.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]], requires_grad=True)
    loss = as_learnable(METRICS["Sparseness"]()).loss(explained(maps, None))
    assert float(loss.detach()) == 1 - 6 / 16
    assert loss.dtype == torch.float32
    nothing = sparseness_loss(maps[1:])
    nothing.backward()
    assert float(nothing.detach()) == 0
