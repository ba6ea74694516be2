import numpy as np
import pytest

from attribution.scoring import mean_of_draws, split_half_reliability


def test_the_mean_counts_only_draws_that_are_defined() -> None:
    scores = np.array([[0.2, np.nan, 0.4], [np.nan, np.nan, np.nan]])
    means = mean_of_draws(scores)
    assert means[0] == pytest.approx(0.3)
    assert np.isnan(means[1])


def test_reliability_is_one_where_draws_agree_and_near_zero_where_they_are_noise() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(400, 1))
    assert split_half_reliability(np.repeat(truth, 4, axis=1)) == pytest.approx(1)
    noise = split_half_reliability(rng.normal(size=(400, 4)))
    assert noise is not None
    assert abs(noise) < 0.2


def test_reliability_recovers_the_share_of_true_variance_of_a_mean() -> None:
    """Signal and noise of equal variance: the mean of 4 draws is 1 / (1 + 1/4) = .8 signal."""
    rng = np.random.default_rng(1)
    gains = rng.normal(size=(4000, 1)) + rng.normal(size=(4000, 4))
    assert split_half_reliability(gains) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("gains", [np.ones((5, 1)), np.ones((5, 4)), np.full((5, 4), np.nan), np.ones((2, 4))])
def test_reliability_is_undefined_without_draws_images_or_variation(gains: np.ndarray) -> None:
    assert split_half_reliability(gains) is None
