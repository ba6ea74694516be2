import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from attribution.metrics import METRICS, as_learnable
from attribution.metrics.complexity import Complexity, complexity, complexity_loss
from attribution.tests.array_frameworks import difference_between_frameworks, explained, some_maps, trying_maps


def test_maps_checked_by_hand() -> None:
    """Shares 1/4, 1/2, 0, 1/4: 2 x 1/4 ln 4 + 1/2 ln 2 = 3/2 ln 2; one pixel alone: 0; four equal ones: ln 4."""
    maps = np.array([[[1.0, -2.0], [0.0, 1.0]], [[0.0, 0.0], [-5.0, 0.0]], [[2.0, -2.0], [2.0, 2.0]]])
    assert complexity(maps) == pytest.approx([1.5 * math.log(2), 0, math.log(4)])


def test_equals_the_entropy_of_scipy() -> None:
    maps, _ = some_maps(1, count=50, height=20, width=16)
    maps = np.where(maps > 1, 0, maps)
    np.testing.assert_allclose(complexity(maps), stats.entropy(np.abs(maps).reshape(50, -1), axis=1), rtol=1e-13)


def test_equals_quantus_up_to_what_it_adds_in_the_logarithm() -> None:
    """Quantus takes the logarithm of share + 1e-12."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from quantus.metrics.complexity.complexity import Complexity as QuantusComplexity

        metric = QuantusComplexity(normalise=False, disable_warnings=True)
    maps, _ = some_maps(1, count=50, height=20, width=16)
    expected = metric.evaluate_batch(x_batch=maps, a_batch=np.abs(maps)[:, None])
    np.testing.assert_allclose(complexity(maps), expected, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpy_torch_and_the_strict_array_api_agree(dtype: type) -> None:
    maps, masks = trying_maps()
    assert difference_between_frameworks(Complexity().of_maps, maps, masks, dtype) < 1e-14


def test_a_map_of_zeros_and_one_that_is_not_finite_are_undefined() -> None:
    maps, _ = some_maps(count=4)
    maps[0] = 0
    maps[1, 0, 0] = np.nan
    maps[2, 0, 0] = -np.inf
    assert np.isnan(complexity(maps)).tolist() == [True, True, True, False]


@given(seed=st.integers(0, 1000), factor=st.floats(1e-12, 1e12))
def test_neither_scale_nor_sign_nor_place_of_values_matters(seed: int, factor: float) -> None:
    maps, _ = some_maps(seed)
    score = complexity(maps)
    np.testing.assert_allclose(complexity(-factor * maps[:, ::-1]), score, rtol=1e-10)
    assert ((score >= 0) & (score <= math.log(maps[0].size))).all()


def test_the_gradient_of_the_loss_equals_finite_differences() -> None:
    maps = torch.from_numpy(some_maps(2, count=3, height=4, width=5)[0]).requires_grad_()
    assert torch.autograd.gradcheck(complexity_loss, (maps,))


def test_gradients_are_finite_and_zero_where_the_score_is_undefined_or_the_pixel_is_zero() -> None:
    maps = torch.from_numpy(trying_maps()[0]).requires_grad_()
    complexity_loss(maps).backward()
    assert maps.grad is not None
    assert torch.isfinite(maps.grad).all()
    assert maps.grad[complexity(maps).isnan()].abs().sum() == 0
    assert maps.grad[maps.detach() == 0].abs().sum() == 0
    assert maps.grad[9].abs().sum() > 0


def test_the_loss_lies_between_zero_and_one_for_maps_of_every_size() -> None:
    metric = as_learnable(METRICS["Complexity"]())
    for size in (1, 2, 30):
        loss = metric.loss(explained(torch.ones(2, size, size), None))
        assert float(loss) == pytest.approx(1 if size > 1 else 0)
        assert loss.dtype == torch.float32


def test_a_batch_without_any_defined_score_has_no_loss() -> None:
    maps = torch.zeros(2, 4, 4, requires_grad=True)
    loss = complexity_loss(maps)
    loss.backward()
    assert float(loss.detach()) == 0
    assert maps.grad is not None
    assert maps.grad.abs().sum() == 0
