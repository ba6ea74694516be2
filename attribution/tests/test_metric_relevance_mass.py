import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attribution.metrics.relevance_mass import UNDEFINED_MASS, mass_loss, relevance_mass
from attribution.metrics.undefined import undefined_reasons
from attribution.tests.array_frameworks import difference_between_frameworks, trying_maps


def random_case(seed: int, count: int = 6, size: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(count, size, size))
    regions = rng.random((count, size, size)) < 0.3
    return torch.from_numpy(maps), torch.from_numpy(regions)


def test_a_map_checked_by_hand() -> None:
    maps = torch.tensor([[[1.0, 2.0], [-5.0, 1.0]]])
    regions = torch.tensor([[[False, True], [True, False]]])
    assert relevance_mass(maps, regions).tolist() == [0.5]


def test_equals_quantus_relevance_mass_accuracy() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from quantus.metrics.localisation.relevance_mass_accuracy import RelevanceMassAccuracy

        maps, regions = random_case(1)
        metric = RelevanceMassAccuracy(abs=False, normalise=False, disable_warnings=True)
        # Quantus scores signed maps by their signed sum; on the positive part it is the definition.
        positive = maps.clamp(min=0).numpy()
        expected = metric.evaluate_batch(a_batch=positive[:, None], s_batch=regions.numpy()[:, None])
    np.testing.assert_allclose(relevance_mass(maps, regions).numpy(), np.ravel(expected), atol=1e-6)


def test_a_zero_map_and_an_empty_region_are_undefined_not_zero() -> None:
    maps, regions = random_case(2, count=3)
    maps[0] = -1.0
    regions[1] = False
    scores = relevance_mass(maps, regions)
    assert math.isnan(scores[0])
    assert math.isnan(scores[1])
    assert not math.isnan(scores[2])


def test_undefined_images_get_no_gradient_and_the_others_a_finite_one() -> None:
    maps, regions = random_case(3, count=3)
    maps[0] = -1.0
    regions[1] = False
    maps.requires_grad_()
    mass_loss(maps, regions).backward()
    assert maps.grad is not None
    assert torch.isfinite(maps.grad).all()
    assert maps.grad[0].abs().sum() == 0
    assert maps.grad[1].abs().sum() == 0
    assert maps.grad[2].abs().sum() > 0


def test_a_batch_without_any_defined_score_has_no_loss() -> None:
    maps = torch.zeros(2, 4, 4, requires_grad=True)
    loss = mass_loss(maps, torch.ones(2, 4, 4, dtype=torch.bool))
    loss.backward()
    assert float(loss.detach()) == 0
    assert maps.grad is not None
    assert maps.grad.abs().sum() == 0


@given(seed=st.integers(0, 10_000), factor=st.floats(1e-3, 1e3))
def test_the_scale_of_a_map_does_not_matter_and_region_and_rest_add_up(seed: int, factor: float) -> None:
    maps, regions = random_case(seed)
    score = relevance_mass(maps, regions)
    torch.testing.assert_close(relevance_mass(maps * factor, regions), score, equal_nan=True)
    defined = ~score.isnan() & ~relevance_mass(maps, ~regions).isnan()
    total = (score + relevance_mass(maps, ~regions))[defined]
    torch.testing.assert_close(total, torch.ones_like(total))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scores_lie_between_zero_and_one(dtype: torch.dtype) -> None:
    maps, regions = random_case(4, count=50)
    scores = relevance_mass(maps.to(dtype), regions)
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpy_torch_and_the_strict_array_api_agree(dtype: type) -> None:
    assert difference_between_frameworks(relevance_mass, *trying_maps(), dtype) <= 1e-15


def test_undefined_scores_have_a_reason_and_the_others_none() -> None:
    maps, masks = trying_maps()
    reasons = undefined_reasons(UNDEFINED_MASS, maps, masks)
    assert reasons[0] == reasons[1] == "no positive relevance"
    assert reasons[3] == reasons[4] == "NaN or infinite values in the map"
    assert reasons[7] == "empty mask"
    assert [bool(reason) for reason in reasons] == np.isnan(relevance_mass(maps, masks)).tolist()


def test_maps_that_are_not_finite_get_no_gradient() -> None:
    maps, masks = (torch.from_numpy(array) for array in trying_maps())
    maps.requires_grad_()
    mass_loss(maps, masks).backward()
    assert maps.grad is not None
    assert torch.isfinite(maps.grad).all()
    assert maps.grad[3:5].abs().sum() == 0


def test_masks_of_another_shape_and_maps_with_channels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"masks: shape \(1, 4, 4\): the maps have \(3, 4, 4\)"):
        relevance_mass(np.ones((3, 4, 4)), np.ones((1, 4, 4), dtype=bool))
    with pytest.raises(ValueError, match="maps: 4 dimensions"):
        relevance_mass(np.ones((3, 2, 4, 4)), np.ones((3, 2, 4, 4), dtype=bool))
