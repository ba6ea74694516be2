"""Neither NaN nor a silent gap can leave a measure."""

import math

import pytest

from analysis.measures.estimates import Estimate, t_quantile


def test_a_number_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Estimate\.value is nan"):
        Estimate(value=math.nan, low=0, high=1, se=None, n=1, reason="x", definition="")


def test_a_gap_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        Estimate(value=0.5, low=None, high=None, se=None, n=1, reason=None, definition="")


def test_the_t_quantile_is_that_of_the_tables() -> None:
    assert t_quantile(4) == pytest.approx(2.776, abs=5e-4)
