"""split."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.errors import InputError
from attribution.images import Sample, Splits, split


def samples(**counts: int) -> list[Sample]:
    return [
        Sample(f"{label}-{number}", Path("x"), label, index)
        for index, (label, count) in enumerate(counts.items())
        for number in range(count)
    ]


def names(listed: list[Sample], splits: Splits) -> list[set[str]]:
    return [{listed[index].name for index in part} for part in (splits.train, splits.validation, splits.export)]


def test_each_class_is_divided_by_the_shares() -> None:
    listed = samples(cat=20, dog=10)
    train, validation, export = names(listed, split(listed, seed=1, train=0.5, validation=0.2, export=0.3))
    assert [sum(name.startswith("cat") for name in part) for part in (train, validation, export)] == [10, 4, 6]
    assert [sum(name.startswith("dog") for name in part) for part in (train, validation, export)] == [5, 2, 3]


@given(
    cats=st.integers(3, 60),
    dogs=st.integers(3, 60),
    seed=st.integers(0, 99),
    cuts=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1), st.floats(0.01, 1), st.floats(0, 1)),
)
def test_parts_never_overlap_and_hold_every_class(
    cats: int, dogs: int, seed: int, cuts: tuple[float, float, float, float]
) -> None:
    train, validation, export = (cut / sum(cuts) for cut in cuts[:3])
    listed = samples(cat=cats, dog=dogs)
    parts = names(listed, split(listed, seed=seed, train=train, validation=validation, export=export))
    assert len(set.union(*parts)) == sum(len(part) for part in parts)
    assert all({name[:3] for name in part} == {"cat", "dog"} for part in parts)


def test_the_order_of_the_list_has_no_part_in_it() -> None:
    listed = samples(cat=20, dog=15)
    mixed = random.Random(3).sample(listed, len(listed))
    splits = split(listed, seed=5, train=0.6, validation=0.2, export=0.2)
    other = split(mixed, seed=5, train=0.6, validation=0.2, export=0.2)
    assert names(listed, splits) == names(mixed, other)
    assert [listed[index].name for index in splits.export] == [mixed[index].name for index in other.export]


def test_another_seed_draws_another_split() -> None:
    listed = samples(cat=20)
    drawn = [names(listed, split(listed, seed=seed, train=0.6, validation=0.2, export=0.2)) for seed in (1, 2)]
    assert drawn[0] != drawn[1]


def test_the_beginning_of_a_part_runs_through_the_classes() -> None:
    listed = samples(cat=20, dog=20, eel=20)
    splits = split(listed, seed=1, train=0.5, validation=0.25, export=0.25)
    for part in (splits.train, splits.validation, splits.export):
        assert {listed[index].label for index in part[:3]} == {"cat", "dog", "eel"}


def test_a_class_that_is_too_small_is_named() -> None:
    with pytest.raises(InputError, match=r'study\.toml: class "dog" has 2 images but needs 3 \(1 train, 1 validation'):
        split(samples(cat=9, dog=2), seed=1, train=0.8, validation=0.1, export=0.1, where="study.toml")


def test_the_fewest_per_class_win_over_the_shares() -> None:
    listed = samples(cat=10)
    fewest = {"train": 2, "validation": 2, "export": 5}
    splits = split(listed, seed=1, train=0.8, validation=0.1, export=0.1, min_per_class=fewest)
    assert [len(part) for part in (splits.train, splits.validation, splits.export)] == [3, 2, 5]


@pytest.mark.parametrize(
    ("shares", "message"),
    [((0.8, 0.2, 0.1), r"add up to 1\.1"), ((-0.1, 0.5, 0.1), r"dataset\.train: the share is -0\.1")],
)
def test_impossible_shares_are_refused(shares: tuple[float, float, float], message: str) -> None:
    train, validation, export = shares
    with pytest.raises(InputError, match=message):
        split(samples(cat=30), seed=1, train=train, validation=validation, export=export)
