import numpy as np
import pytest

from attribution.scoring import mean_of_draws, paired_means, split_half_reliability


def test_the_mean_counts_only_draws_that_are_defined() -> None:
    scores = np.array([[0.2, np.nan, 0.4], [np.nan, np.nan, np.nan]])
    means = mean_of_draws(scores)
    assert means[0] == pytest.approx(0.3)
    assert np.isnan(means[1])


def test_reliability_is_one_where_draws_agree_and_near_zero_where_they_are_noise() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(400, 1))
    assert split_half_reliability(np.repeat(truth, 4, axis=1)) == pytest.approx(1)
    noise = [split_half_reliability(rng.normal(size=(400, 4))) for _ in range(10)]
    assert all(each is None or 0 < each < 0.25 for each in noise)
    assert None in noise


def test_reliability_recovers_the_share_of_true_variance_of_a_mean() -> None:
    """Signal and noise of equal variance: the mean of 4 draws is 1 / (1 + 1/4) = .8 signal."""
    rng = np.random.default_rng(1)
    gains = rng.normal(size=(4000, 1)) + rng.normal(size=(4000, 4))
    assert split_half_reliability(gains) == pytest.approx(0.8, abs=0.03)


def test_halves_of_an_odd_number_of_draws_are_equally_long() -> None:
    """Signal and noise of equal variance: the mean of 3 draws is 1 / (1 + 1/3) = .75 signal."""
    rng = np.random.default_rng(2)
    gains = rng.normal(size=(8000, 1)) + rng.normal(size=(8000, 3))
    assert split_half_reliability(gains) == pytest.approx(0.75, abs=0.02)


def test_halves_that_contradict_each_other_have_no_reliability() -> None:
    assert split_half_reliability(np.array([[1, -1.1], [2, -2.05], [3, -2.9], [4, -4.2]])) is None


def test_a_draw_that_is_lost_is_no_gain() -> None:
    before, after = paired_means(np.array([[0.2, 0.8]]), np.array([[np.nan, 0.8]]))
    assert (before[0], after[0]) == (0.8, 0.8)


def test_an_image_without_a_common_draw_has_no_pair_of_scores() -> None:
    none = np.nan
    before, after = paired_means(np.array([[0.2, none], [0.2, 0.4]]), np.array([[none, 0.8], [none, none]]))
    assert np.isnan([before[0], after[0], after[1]]).all()
    assert before[1] == pytest.approx(0.3)


@pytest.mark.parametrize("gains", [np.ones((5, 1)), np.ones((5, 4)), np.full((5, 4), np.nan), np.ones((2, 4))])
def test_reliability_is_undefined_without_draws_images_or_variation(gains: np.ndarray) -> None:
    assert split_half_reliability(gains) is None
