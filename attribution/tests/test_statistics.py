import numpy as np
import pytest
from scipy import stats

from attribution.statistics import paired_difference


def test_means_and_difference_count_only_images_defined_in_both() -> None:
    result = paired_difference(np.array([0.2, np.nan, 0.4, 0.5]), np.array([0.3, 0.9, np.nan, 0.7]), seed=0)
    assert (result.n, result.undefined) == (2, 2)
    assert (result.before, result.after, result.difference) == pytest.approx((0.35, 0.5, 0.15))


def test_nothing_defined_gives_no_number() -> None:
    result = paired_difference(np.array([np.nan]), np.array([0.5]), seed=0)
    assert result.n == 0
    assert result.difference is None
    assert result.low is None


def test_the_interval_agrees_with_scipys_percentile_bootstrap() -> None:
    rng = np.random.default_rng(1)
    before = rng.normal(size=60)
    after = before + rng.normal(0.3, 1.0, size=60)
    ours = paired_difference(before, after, seed=0)
    theirs = stats.bootstrap((after - before,), np.mean, n_resamples=20_000, method="percentile", rng=2)
    assert ours.low is not None
    assert ours.high is not None
    np.testing.assert_allclose([ours.low, ours.high], theirs.confidence_interval, atol=0.02)


def test_the_interval_depends_on_the_seed_alone() -> None:
    before, after = np.zeros(9), np.arange(9.0)
    assert paired_difference(before, after, seed=4) == paired_difference(before, after, seed=4)


def test_a_single_image_has_a_difference_but_no_interval() -> None:
    result = paired_difference(np.array([0.1]), np.array([0.2]), seed=0)
    assert result.difference == pytest.approx(0.1)
    assert (result.low, result.high) == (None, None)
