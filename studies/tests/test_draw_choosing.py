"""Which trial comes next: blocks, turns, catch trials and repeats, without a database."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.draws.choosing import Candidate, Pool, balanced_order, number_of_code
from studies.draws.course import Course, Known, Shown
from studies.draws.numbers import drawn_number, drawn_ties
from studies.draws.plan import Kind, Plan
from studies.draws.sides import expected_slot, other_side, practice_sides, sides_of

DISTANCE = 4


def candidates(sizes: dict[int, int]) -> list[Candidate]:
    """Return trials of conditions that show the same images; conditions 1 and 2, and 3 and 4, share their originals."""
    return [
        Candidate(
            0, bytes([image]), 1000 * cell + image, f"{cell}-{image}", cell, image, 100 * ((cell + 1) // 2) + image
        )
        for cell, size in sizes.items()
        for image in range(size)
    ]


class Walk:
    """An annotator who takes trials in batches of any size, with everything begun anew for each batch."""

    def __init__(self, sizes: dict[int, int], plan: Plan, *, mode: str = "interleaved", code: str = "A01") -> None:
        self.trials = candidates(sizes)
        self.names = {cell: f"condition {cell}" for cell in sizes}
        self.plan, self.mode, self.code = plan, mode, code
        self.shown: list[Shown] = []
        self.sides: list[str] = []
        self.reads: list[Sequence[int]] = []

    def take(self, number: int) -> list[Shown]:
        had = {shown.trial for shown in self.shown if shown.kind == Kind.MAIN}
        left = [trial for trial in self.trials if trial.trial not in had]

        def read(conditions: Sequence[int]) -> Iterable[Candidate]:
            self.reads.append(conditions)
            return [trial for trial in left if trial.condition in conditions]

        repeated = {shown.repeat_of for shown in self.shown}
        catches = [
            Known(9000 + n, f"catch-{n}", 1 + n % 4, n, 50 + n, ("original", "finetuned")[n % 2]) for n in range(40)
        ]
        course = Course(
            seed=3,
            code=self.code,
            plan=self.plan,
            mode="blocked" if self.mode == "blocked" else "interleaved",
            distance=DISTANCE,
            pool=Pool(Counter(trial.condition for trial in left), read),
            names=self.names,
            catches=[known for known in catches if known.trial not in {shown.trial for shown in self.shown}],
            shown=self.shown,
            held=Counter(shown.kind for shown in self.shown),
            repeatable={shown.position for shown in self.shown if shown.kind == Kind.MAIN} - repeated,
        )
        taken = course.take(number)
        before = list(zip(self.shown, self.sides, strict=True))
        self.sides += sides_of(taken, before, {}, seed=3, code=self.code)
        self.shown += taken
        return taken

    def all(self, batch: int = 1000) -> list[Shown]:
        while self.take(batch):
            pass
        return self.shown


FULL = Plan(20, catches=(3, 9, 14), repeats=(8, 13, 17))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.sampled_from(["interleaved", "blocked"]))
def test_batches_of_any_size_give_the_same_order_and_sides(batches: list[int], mode: str) -> None:
    whole, parts = Walk({1: 5, 2: 5, 3: 5, 4: 5}, FULL, mode=mode), Walk({1: 5, 2: 5, 3: 5, 4: 5}, FULL, mode=mode)
    for batch in batches:
        parts.take(batch)
    assert parts.all(7) == whole.all()
    assert parts.sides == whole.sides


def test_checks_do_not_disturb_the_turns_of_conditions() -> None:
    walk = Walk({1: 5, 2: 5, 3: 5, 4: 5}, FULL).all()
    conditions = [shown.condition for shown in walk if shown.kind == Kind.MAIN]
    assert all(len(set(conditions[start : start + 4])) == 4 for start in range(0, 20, 4))


def test_positions_have_no_gaps_and_every_kind_has_its_number() -> None:
    walk = Walk({1: 5, 2: 5, 3: 5, 4: 5}, FULL).all()
    assert [shown.position for shown in walk] == list(range(1, 27))
    assert Counter(shown.kind for shown in walk) == {Kind.MAIN: 20, Kind.CATCH: 3, Kind.REPEAT: 3}


@pytest.mark.parametrize("code", [f"A{number:02}" for number in range(1, 9)])
def test_a_repeat_swaps_the_sides_of_a_trial_far_enough_back(code: str) -> None:
    walk = Walk({1: 5, 2: 5, 3: 5, 4: 5}, FULL, code=code)
    walk.all(3)
    at = {shown.position: (shown, side) for shown, side in zip(walk.shown, walk.sides, strict=True)}
    repeats = [(shown, side) for shown, side in at.values() if shown.repeat_of is not None]
    assert len({shown.trial for shown, _ in repeats}) == 3
    for shown, side in repeats:
        assert shown.repeat_of is not None
        earlier, earlier_side = at[shown.repeat_of]
        assert (earlier.kind, earlier.trial) == (Kind.MAIN, shown.trial)
        assert shown.position - earlier.position >= DISTANCE
        assert side == other_side(earlier_side)


def test_catch_trials_are_distinct_and_right_on_both_sides_equally_often() -> None:
    walk = Walk({1: 10, 2: 10}, Plan(20, catches=tuple(range(1, 20, 2))))
    walk.all(4)
    caught = [(shown, side) for shown, side in zip(walk.shown, walk.sides, strict=True) if shown.kind == Kind.CATCH]
    assert len({shown.trial for shown, _ in caught}) == 10
    assert Counter(expected_slot(side, shown.expected) for shown, side in caught) == {"left": 5, "right": 5}


def test_an_image_does_not_come_twice_in_a_row_because_of_a_check() -> None:
    walk = Walk({1: 10, 2: 10, 3: 10, 4: 10}, Plan(36, catches=(3, 9, 14, 20, 26), repeats=(8, 13, 17, 23))).all()
    assert all(before.image != after.image for before, after in pairwise(walk))


def test_main_trials_go_on_where_the_catch_trials_run_out() -> None:
    walk = Walk({1: 30, 2: 30}, Plan(60, catches=tuple(range(1, 60)))).all()
    assert Counter(shown.kind for shown in walk) == {Kind.MAIN: 60, Kind.CATCH: 40}


def test_the_trials_of_a_condition_come_in_a_row() -> None:
    walk = Walk({1: 6, 2: 6, 3: 6, 4: 6}, Plan(24), mode="blocked").all(5)
    assert [len(list(block)) for _, block in groupby(walk, key=lambda shown: shown.condition)] == [6, 6, 6, 6]


@pytest.mark.parametrize(
    ("sizes", "mains", "blocks"),
    [
        ((9, 9, 9, 9), 14, [4, 4, 3, 3]),
        ((9, 2, 9, 9), 20, [2, 6, 6, 6]),
        ((1, 1, 9, 9), 12, [1, 1, 5, 5]),
        ((9, 9, 9, 9), 3, [1, 1, 1]),
    ],
)
def test_blocks_share_out_the_trials_evenly(sizes: tuple[int, ...], mains: int, blocks: list[int]) -> None:
    walk = Walk(dict(enumerate(sizes, start=1)), Plan(mains), mode="blocked")
    walk.all(3)
    found = [(cell, len(list(block))) for cell, block in groupby(walk.shown, key=lambda shown: shown.condition)]
    assert sorted(size for _, size in found) == sorted(blocks)
    assert len({cell for cell, _ in found}) == len(found)


def test_repeats_and_catch_trials_stay_in_the_block_where_they_can() -> None:
    plan = Plan(48, catches=(7, 20, 31, 43), repeats=(8, 21, 32, 44))
    walk = Walk({1: 12, 2: 12, 3: 12, 4: 12}, plan, mode="blocked").all()
    conditions = [shown.condition for shown in walk]
    assert len(list(groupby(conditions))) == 4


@pytest.mark.parametrize("size", [1, 2, 4, 6])
def test_an_even_number_of_conditions_is_balanced_in_place_and_in_what_comes_before(size: int) -> None:
    rows = [balanced_order(range(size), number) for number in range(size)]
    assert all(sorted(column) == list(range(size)) for column in zip(*rows, strict=True))
    neighbours = Counter(pair for row in rows for pair in pairwise(row))
    assert set(neighbours.values()) <= {1}
    assert len(neighbours) == size * (size - 1)


@pytest.mark.parametrize("size", [3, 5, 7])
def test_an_odd_number_of_conditions_is_balanced_over_twice_as_many_annotators(size: int) -> None:
    rows = [balanced_order(range(size), number) for number in range(2 * size)]
    assert all(Counter(column) == dict.fromkeys(range(size), 2) for column in zip(*rows, strict=True))
    neighbours = Counter(pair for row in rows for pair in pairwise(row))
    assert set(neighbours.values()) == {2}
    assert len(neighbours) == size * (size - 1)


@pytest.mark.parametrize(("code", "number"), [("A07", 7), ("SIM112", 112), ("PREVIEW-3", 3)])
def test_codes_count(code: str, number: int) -> None:
    assert number_of_code(code) == number


def test_a_code_without_a_number_has_one_of_its_own() -> None:
    assert number_of_code("anna") == number_of_code("anna") != number_of_code("bert")


def test_only_the_conditions_of_the_next_turns_are_read() -> None:
    walk = Walk(dict.fromkeys(range(1, 31), 50), Plan(1500))
    walk.take(5)
    assert [len(conditions) for conditions in walk.reads] == [5]


def test_ties_sort_as_the_numbers_do() -> None:
    keys = [f"{number:05}" for number in range(300)]
    ties = dict(zip(keys, drawn_ties(keys, 7, "A01"), strict=True))
    assert sorted(keys, key=ties.__getitem__) == sorted(keys, key=lambda key: drawn_number(7, "A01", key))


@given(st.lists(st.sampled_from(["original", "finetuned"]), max_size=12), st.integers())
def test_right_answers_of_a_practice_round_are_on_both_sides_equally_often(expected: list[str], seed: int) -> None:
    known = [(f"practice-{number}", answer) for number, answer in enumerate(expected)]
    slots = Counter(
        expected_slot(side, answer) for side, answer in zip(practice_sides(known, seed), expected, strict=True)
    )
    assert abs(slots["left"] - slots["right"]) <= 1
