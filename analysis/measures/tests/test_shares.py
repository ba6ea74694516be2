"""Shares against statsmodels' Wilson interval."""

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from analysis.measures.shares import share_finetuned, share_neither, share_original
from analysis.measures.tests.frames import judgements_of, random_votes
from analysis.measures.wilson import wilson_interval


@pytest.mark.parametrize(("count", "total"), [(0, 1), (0, 20), (1, 1), (20, 20), (3, 7), (500, 1000)])
def test_wilson_equals_statsmodels(count: int, total: int) -> None:
    assert wilson_interval(count, total) == pytest.approx(proportion_confint(count, total, method="wilson"), abs=1e-12)


def test_the_three_shares_add_up_to_one() -> None:
    judgements = judgements_of(random_votes(1))
    shares = [measure(judgements, 0) for measure in (share_finetuned, share_neither, share_original)]
    assert sum(estimate.value or 0 for estimate in shares) == pytest.approx(1)
    assert shares[0].n == 150


def test_a_share_of_no_answers_is_undefined() -> None:
    judgements = judgements_of(random_votes(1))
    estimate = share_finetuned(judgements.where(np.zeros(judgements.n, dtype=bool)), 0)
    assert (estimate.value, estimate.reason) == (None, "no answers")
