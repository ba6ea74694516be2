"""The decisive win rate and its interval on the log-odds scale."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import t as student
from statsmodels.stats.proportion import proportion_confint

from analysis.measures.tests.frames import judgements_of, random_votes
from analysis.measures.win_rate import win_rate, win_rate_wilson


@pytest.mark.parametrize("seed", range(4))
def test_it_equals_a_plain_reference(seed: int) -> None:
    votes = [vote for vote in random_votes(seed, images=15, annotators=4, missing=0.2) if vote[2] != 0]
    won, lost = (sum(vote == side for _, _, vote in votes) for side in (1, -1))

    def variance(keys: list[str]) -> float:
        sums: dict[str, float] = {}
        for key, (_, _, vote) in zip(keys, votes, strict=True):
            sums[key] = sums.get(key, 0.0) + (1 / won if vote == 1 else -1 / lost)
        return len(sums) / (len(sums) - 1) * sum(part**2 for part in sums.values())

    examples = variance([image for image, _, _ in votes])
    annotators = variance([annotator for _, annotator, _ in votes])
    both = examples + annotators - variance([f"{image}|{annotator}" for image, annotator, _ in votes])
    margin = float(student.ppf(0.975, 3)) * np.sqrt(both if both > 0 else max(examples, annotators))
    estimate = win_rate(judgements_of(random_votes(seed, images=15, annotators=4, missing=0.2)), 0)
    assert estimate.value == pytest.approx(won / (won + lost))
    assert estimate.n == won + lost
    low, high = expit(np.log(won / lost) - margin), expit(np.log(won / lost) + margin)
    assert (estimate.low, estimate.high) == pytest.approx((low, high))


def test_wilson_is_a_column_of_its_own() -> None:
    votes = random_votes(1)
    won, lost = (sum(vote == side for _, _, vote in votes) for side in (1, -1))
    estimate = win_rate_wilson(judgements_of(votes), 0)
    assert (estimate.low, estimate.high) == pytest.approx(proportion_confint(won, won + lost, method="wilson"))


def test_without_decisive_answers_it_is_undefined() -> None:
    judgements = judgements_of(random_votes(0, shares=(0, 1, 0)))
    for measure in (win_rate, win_rate_wilson):
        assert (measure(judgements, 0).value, measure(judgements, 0).reason) == (None, "no decisive answers")


@pytest.mark.parametrize(("shares", "value"), [((0.5, 0.5, 0), 0.0), ((0, 0.5, 0.5), 1.0)])
def test_a_one_sided_result_has_no_log_odds(shares: tuple[float, float, float], value: float) -> None:
    estimate = win_rate(judgements_of(random_votes(0, shares=shares)), 0)
    assert (estimate.value, estimate.low) == (value, None)
    assert estimate.reason is not None
    assert "log odds are infinite" in estimate.reason


def test_annotators_without_a_decisive_answer_do_not_count() -> None:
    votes = [("a", "A1", 1), ("b", "A1", -1), ("a", "A2", 0), ("b", "A2", 0)]
    estimate = win_rate(judgements_of(votes), 0)
    assert estimate.reason == "no interval: needs at least two annotators with decisive answers"
