"""What an annotator is given next, in order: main trials, catch trials and repeats."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from studies.draws.choosing import (
    Candidate,
    Pool,
    balanced_order,
    block_next,
    interleaved_turns,
    next_candidate,
    number_of_code,
)
from studies.draws.numbers import drawn_number
from studies.draws.plan import Kind, Plan


@dataclass(frozen=True, slots=True)
class Shown:
    """A trial in an annotator's order, with the primary keys of what it shows.

    `expected` is the right answer of a catch trial. `repeat_of` is the position of the trial that a repeat shows again.
    """

    kind: str
    trial: int
    key: str
    condition: int
    image: int
    original: int
    position: int
    expected: str = ""
    repeat_of: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A catch trial that the annotator may be shown."""

    trial: int
    key: str
    condition: int
    image: int
    original: int
    expected: str


class Course:
    """An annotator's order of trials, as far as it goes, and how it goes on.

    It follows from the study's seed, the annotator's code and what there is to choose from; drawing one trial after
    another gives the same as drawing many at once.

    `shown` is everything given so far in the order of its positions, `held` those of it that were not released;
    `repeatable` are the positions of main trials among it that may be repeated. `catches` are the catch trials
    not shown before. `distance` is how many positions a repeat comes at least after its trial.
    """

    def __init__(
        self,
        *,
        seed: int,
        code: str,
        plan: Plan,
        mode: Literal["interleaved", "blocked"],
        distance: int,
        pool: Pool,
        names: Mapping[int, str],
        catches: Sequence[Known],
        shown: Sequence[Shown],
        held: Counter[str],
        repeatable: set[int],
    ) -> None:
        self.seed, self.code, self.plan, self.mode, self.distance = seed, code, plan, mode, distance
        self.pool, self.names, self.catches = pool, names, list(catches)
        self.held = held
        self.ahead = 1
        self.position = shown[-1].position if shown else 0
        self.mains = [row for row in shown if row.kind == Kind.MAIN]
        self.repeatable = [row for row in self.mains if row.position in repeatable]
        self.had = Counter(row.condition for row in self.mains)
        self.seen = {row.original for row in shown}
        self.last_image = shown[-1].image if shown else None
        self.order: list[int] = []
        if mode == "blocked":
            cells = sorted(names, key=lambda cell: drawn_number(seed, "blocks", names[cell]))
            self.order = balanced_order(cells, number_of_code(code))

    def take(self, number: int) -> list[Shown]:
        """Return the next trials in order, at most `number`; fewer where there are no more."""
        taken: list[Shown] = []
        self.ahead = number
        while len(taken) < number and (shown := self._next()) is not None:
            taken.append(shown)
            self.ahead -= 1
            self.position = shown.position
            self.held[shown.kind] += 1
            self.seen.add(shown.original)
            self.last_image = shown.image
        return taken

    def _next(self) -> Shown | None:
        choose = {Kind.CATCH: self._catch, Kind.REPEAT: self._repeat, Kind.MAIN: self._main}
        for kind in self.plan.kinds_next(self.held[Kind.MAIN], self.held[Kind.CATCH], self.held[Kind.REPEAT]):
            if (shown := choose[kind]()) is not None:
                return shown
        return None

    def _main(self) -> Shown | None:
        if not self.pool:
            return None
        if self.mode == "blocked":
            current = self.mains[-1].condition if self.mains else None
            to_come = self.plan.mains - self.held[Kind.MAIN]
            turns, equal = [block_next(self.pool, self.had, self.order, current, to_come)], 1
        else:
            turns, equal = interleaved_turns(self.pool, self.had, self.names, self.seed, self.code)
        self.pool.prepare(turns[: self.ahead])
        candidate = next_candidate(self.pool, turns, equal, self.seen, self.last_image)
        self.pool.take(candidate)
        self.had[candidate.condition] += 1
        shown = self._shown(Kind.MAIN, candidate)
        self.mains.append(shown)
        self.repeatable.append(shown)
        return shown

    def _catch(self) -> Shown | None:
        if not self.catches:
            return None
        known = min(self.catches, key=lambda one: self._rank("catch", one))
        self.catches.remove(known)
        return self._shown(Kind.CATCH, known, expected=known.expected)

    def _repeat(self) -> Shown | None:
        far = [row for row in self.repeatable if row.position <= self.position + 1 - self.distance]
        if not far:
            return None
        earlier = min(far, key=lambda row: self._rank("repeat", row))
        self.repeatable.remove(earlier)
        return self._shown(Kind.REPEAT, earlier, repeat_of=earlier.position)

    def _rank(self, what: str, one: Known | Shown) -> tuple[bool, bool, int]:
        """Another image than the last comes first; among blocks, the condition of the block; then the seed decides."""
        leaves_block = self.mode == "blocked" and bool(self.mains) and one.condition != self.mains[-1].condition
        return one.image == self.last_image, leaves_block, drawn_number(self.seed, self.code, what, one.key)

    def _shown(
        self, kind: Kind, one: Candidate | Known | Shown, *, expected: str = "", repeat_of: int | None = None
    ) -> Shown:
        return Shown(
            kind=kind,
            trial=one.trial,
            key=one.key,
            condition=one.condition,
            image=one.image,
            original=one.original,
            position=self.position + 1,
            expected=expected,
            repeat_of=repeat_of,
        )
