"""Where catch trials and repeats come among an annotator's main trials."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from studies.draws.numbers import drawn_number
from studies.models import Assignment, Study
from studies.protocol.spec import ProtocolSpec

Kind = Assignment.Kind


@dataclass(frozen=True, slots=True)
class Plan:
    """An annotator's main trials, and for each catch trial and repeat how many of them come before it, in order."""

    mains: int
    catches: tuple[int, ...] = ()
    repeats: tuple[int, ...] = ()

    @property
    def total(self) -> int:
        return self.mains + len(self.catches) + len(self.repeats)

    def total_with(self, held: Mapping[str, int]) -> int:
        """Return how many trials there are in all for someone who has these, by kind.

        More than were planned of one kind take none from another: late answers, catch trials of an earlier protocol.
        """
        planned = {Kind.MAIN: self.mains, Kind.CATCH: len(self.catches), Kind.REPEAT: len(self.repeats)}
        return sum(max(number, held.get(kind, 0)) for kind, number in planned.items())

    def due(self, mains: int) -> int:
        """Return how many catch trials and repeats come until after this many main trials."""
        return bisect_right(self.catches, mains) + bisect_right(self.repeats, mains)

    def kinds_next(self, mains: int, catches: int, repeats: int) -> list[Kind]:
        """Return what may come after this many of each kind, the first that can be had; none after the last."""
        kinds = []
        if catches < len(self.catches) and self.catches[catches] <= mains:
            kinds.append(Kind.CATCH)
        if repeats < len(self.repeats) and self.repeats[repeats] <= mains:
            kinds.append(Kind.REPEAT)
        if mains < self.mains:
            kinds.append(Kind.MAIN)
        return kinds


@dataclass(frozen=True, slots=True)
class Pool:
    """How many main trials and catch trials a study has."""

    mains: int
    catches: int = 0


def plan_of(*, study: Study, code: str, spec: ProtocolSpec, pool: Pool) -> Plan:
    """Return the plan of the annotator with this code; it follows from the study's seed, the code and the protocol."""
    limit = spec.trials.per_annotator
    mains = pool.mains if limit is None else min(limit, pool.mains)
    if spec.catch.share == 0 and spec.repeats.share == 0:
        return Plan(mains)
    return _made(
        study.seed,
        code,
        mains,
        min(share_of(mains, spec.catch.share), pool.catches),
        share_of(mains, spec.repeats.share),
        spec.repeats.distance,
    )


def share_of(mains: int, share: float) -> int:
    """Return a share as a number of trials: rounded, and at least one of any."""
    return 0 if share == 0 or mains == 0 else max(1, int(share * mains + 0.5))


# Asked for with every answer, and the same from the first to the last.
@lru_cache(maxsize=4096)
def _made(seed: int, code: str, mains: int, catches: int, repeats: int, distance: int) -> Plan:
    caught = catch_places(seed, code, mains, catches)
    return Plan(mains, caught, repeat_places(seed, code, mains, caught, repeats, distance))


def catch_places(seed: int, code: str, mains: int, number: int) -> tuple[int, ...]:
    """Return how many main trials come before each catch trial: one in each of `number` equal stretches, never none."""
    places = []
    for place in range(number):
        start, end = place * mains // number, (place + 1) * mains // number
        places.append(max(1, _within(start, end, seed, code, "catch", place)))
    return tuple(places)


def repeat_places(
    seed: int, code: str, mains: int, catches: Sequence[int], number: int, distance: int
) -> tuple[int, ...]:
    """Return how many main trials come before each repeat: spread over the trials from the `distance`-th on.

    Where no trial is far enough back yet, a repeat comes later, at the latest after the last main trial; those that
    have no room there either are left out.
    """
    places: list[int] = []
    others: list[int] = []  # The positions of catch trials and repeats, ascending.
    caught = 0
    earliest = 0
    for place in range(number):
        stretch = max(0, mains - distance)
        start, end = (distance + step * stretch // number for step in (place, place + 1))
        before = min(mains, max(earliest, _within(start, end, seed, code, "repeat", place)))
        while True:
            while caught < len(catches) and catches[caught] <= before:
                others.append(catches[caught] + len(others) + 1)
                caught += 1
            position = before + len(others) + 1
            far = position - distance
            if far - bisect_right(others, far) > place:
                break
            if before == mains:
                return tuple(places)
            before += 1
        places.append(before)
        others.append(position)
        earliest = before
    return tuple(places)


def _within(start: int, end: int, *parts: object) -> int:
    """Return a number from `start` to before `end`, or `start` where there is none."""
    return start + drawn_number(*parts) % max(1, end - start)
