"""Which main trial an annotator is given next."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from studies.draws.numbers import drawn_number


class Candidate(NamedTuple):
    """A trial by its primary key, with the primary keys of what it shows. Candidates sort as they should come."""

    assigned: int
    tie: bytes
    trial: int
    key: str
    condition: int
    image: int
    original: int


class Pool:
    """The trials that an annotator may be given, by condition, those with the fewest annotators first.

    A study has thousands of them and a draw takes ten: `read` is asked for the candidates of some conditions when it
    comes to their turn. `sizes` says how many each condition has, and is there for all that have any.
    """

    def __init__(self, sizes: Mapping[int, int], read: Callable[[Sequence[int]], Iterable[Candidate]]) -> None:
        self.sizes = dict(sizes)
        self.read = read
        self.rows: dict[int, list[Candidate]] = {}

    def __iter__(self) -> Iterator[int]:
        return iter(self.sizes)

    def __len__(self) -> int:
        return len(self.sizes)

    def __contains__(self, condition: int | None) -> bool:
        return condition in self.sizes

    def __getitem__(self, condition: int) -> list[Candidate]:
        if condition not in self.rows:
            # Who looks beyond the conditions whose turn it is may have to look through all.
            self.prepare(list(self.sizes))
        return self.rows[condition]

    def prepare(self, conditions: Iterable[int]) -> None:
        """Read the candidates of these conditions at once."""
        unread = [condition for condition in conditions if condition not in self.rows]
        if not unread:
            return
        self.rows.update({condition: [] for condition in unread})
        for candidate in self.read(unread):
            self.rows[candidate.condition].append(candidate)
        for condition in unread:
            self.rows[condition].sort()

    def take(self, candidate: Candidate) -> None:
        """Remove a candidate, and its condition with the last one."""
        self.rows[candidate.condition].remove(candidate)
        self.sizes[candidate.condition] -= 1
        if not self.sizes[candidate.condition]:
            del self.sizes[candidate.condition]


def interleaved_turns(
    pool: Pool, had: Counter[int], names: Mapping[int, str], seed: int, code: str
) -> tuple[list[int], int]:
    """Return the conditions of the pool in the order of their turns, and how many share the first turn.

    The one that the annotator has had least often comes first; ties are decided by seed and code.
    """
    turns = sorted(pool, key=lambda cell: (had[cell], drawn_number(seed, code, names[cell], had[cell])))
    return turns, sum(had[cell] == had[turns[0]] for cell in turns)


def balanced_order(conditions: Sequence[int], number: int) -> list[int]:
    """Return row `number` of a balanced Latin square (Williams 1949).

    Over as many rows as there are conditions (twice as many if they are odd), each condition comes equally often in
    each place, and equally often right after each other one.
    """
    size = len(conditions)
    zigzag = [(step + 1) // 2 if step % 2 else (size - step // 2) % size for step in range(size)]
    row = [(step + number) % size for step in zigzag]
    if size % 2 and number // size % 2:
        row.reverse()
    return [conditions[place] for place in row]


def number_of_code(code: str) -> int:
    """Return the number at the end of an annotator's code (`A07`: 7), or one drawn from a code without any."""
    found = re.search(r"[0-9]{1,9}\Z", code)
    return int(found[0]) if found else drawn_number(code)


def block_next(pool: Pool, had: Counter[int], order: Sequence[int], current: int | None, wanted: int) -> int:
    """Return the condition of the next trial where all trials of a condition come in a row.

    `order` holds the annotator's conditions, `current` is that of the last trial, and `wanted` trials are still to
    come. They are shared out evenly among the current condition and those to come, as far as these have trials. A
    condition that was left is gone back to only where no other has any trial.
    """
    ahead = [cell for cell in order if cell in pool and cell != current and not had[cell]]
    if current is not None and current in pool:
        room = [had[current] + pool.sizes[current], *(pool.sizes[cell] for cell in ahead)]
        if not ahead or had[current] < _first_share(room, wanted + had[current]):
            return current
    if ahead:
        return ahead[0]
    return next(cell for cell in order if cell in pool)


def _first_share(room: Sequence[int], wanted: int) -> int:
    """Return how many of the wanted trials the first one gets, where all get equally many or as many as they have.

    What does not come out even goes to the first.
    """
    level, high = 0, max(room)
    while level < high:
        middle = (level + high + 1) // 2
        if sum(min(most, middle) for most in room) <= wanted:
            level = middle
        else:
            high = middle - 1
    over = wanted - sum(min(most, level) for most in room)
    return min(room[0], level + (over > 0))


def next_candidate(pool: Pool, turns: Sequence[int], equal: int, seen: set[int], last_image: int | None) -> Candidate:
    """Return the first that shows another image and an unseen original, then another image, then any.

    For the sake of an unseen original, only the first `equal` conditions change places, and no trial goes before one
    with fewer annotators.
    """
    for condition in turns[:equal]:
        for candidate in pool[condition]:
            if candidate.assigned > pool[condition][0].assigned:
                break
            if candidate.image != last_image and candidate.original not in seen:
                return candidate
    for condition in turns:
        for candidate in pool[condition]:
            if candidate.image != last_image:
                return candidate
    return pool[turns[0]][0]
