"""Gwet's AC1 against a plain reference."""

import pytest

from analysis.measures.gwet_ac1 import gwet_ac1
from analysis.measures.tests.frames import Vote, judgements_of, random_votes


def plain_ac1(votes: list[Vote], options: int) -> float:
    images = sorted({image for image, _, _ in votes})
    agreement, paired, shares = 0.0, 0, dict.fromkeys((-1, 0, 1), 0.0)
    for image in images:
        answers = [vote for name, _, vote in votes if name == image]
        for choice in shares:
            shares[choice] += answers.count(choice) / len(answers) / len(images)
        if len(answers) >= 2:
            paired += 1
            pairs = [(a, b) for i, a in enumerate(answers) for j, b in enumerate(answers) if i != j]
            agreement += sum(a == b for a, b in pairs) / len(pairs)
    chance = sum(share * (1 - share) for share in shares.values()) / (options - 1)
    return (agreement / paired - chance) / (1 - chance)


@pytest.mark.parametrize("missing", [0.0, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_it_equals_a_plain_reference(seed: int, missing: float) -> None:
    votes = random_votes(seed, images=15, annotators=4, missing=missing)
    assert gwet_ac1(judgements_of(votes), 0).value == pytest.approx(plain_ac1(votes, 3))


def test_the_number_of_options_counts_not_those_that_were_used() -> None:
    votes = random_votes(1, shares=(0.5, 0, 0.5))
    assert gwet_ac1(judgements_of(votes), 0).value == pytest.approx(plain_ac1(votes, 3))
    assert gwet_ac1(judgements_of(votes, options=2), 0).value == pytest.approx(plain_ac1(votes, 2))


def test_all_neither_is_one() -> None:
    assert gwet_ac1(judgements_of(random_votes(0, shares=(0, 1, 0))), 0).value == 1
