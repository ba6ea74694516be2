"""On which side the finetuned map is shown."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from studies.draws.course import Shown
from studies.draws.numbers import drawn_number
from studies.draws.plan import Kind
from studies.models import Assignment

LEFT, RIGHT = Assignment.Side.LEFT, Assignment.Side.RIGHT


def other_side(side: str) -> Assignment.Side:
    return RIGHT if side == LEFT else LEFT


def expected_slot(side: str, expected: str) -> str:
    """Return where the right answer of a known trial is; where neither is right, where the finetuned map is."""
    return other_side(side) if expected == "original" else side


def sides_of(
    taken: Sequence[Shown],
    before: Iterable[tuple[Shown, str]],
    of_trial: Mapping[int, Counter[str]],
    *,
    seed: int,
    code: str,
) -> list[Assignment.Side]:
    """Return the side of the finetuned map for each of the trials.

    That of a main trial is the one that fewer annotators of this trial have (`of_trial`); if both are equal, the one
    that this annotator has had less often in its condition; then the seed decides. The right answers of an
    annotator's catch trials are equally often left and right, and a repeat has the other side than the first time.
    """
    of_condition: dict[int, Counter[str]] = {}
    of_catch: Counter[str] = Counter()
    of_position: dict[int, str] = {}

    def note(shown: Shown, side: str) -> None:
        of_position[shown.position] = side
        if shown.kind == Kind.MAIN:
            of_condition.setdefault(shown.condition, Counter())[side] += 1
        elif shown.kind == Kind.CATCH:
            of_catch[expected_slot(side, shown.expected)] += 1

    for shown, side in before:
        note(shown, side)
    sides = []
    for shown in taken:
        if shown.repeat_of is not None:
            side = other_side(of_position[shown.repeat_of])
        elif shown.kind == Kind.CATCH:
            slot = _rarer(of_catch, _drawn(seed, code, "catch", shown.key))
            side = other_side(slot) if shown.expected == "original" else slot
        else:
            mine = _rarer(of_condition.get(shown.condition, Counter()), _drawn(seed, shown.key))
            side = _rarer(of_trial.get(shown.trial, Counter()), mine)
        note(shown, side)
        sides.append(side)
    return sides


def practice_sides(known: Sequence[tuple[str, str]], *parts: object) -> list[Assignment.Side]:
    """Return sides for the (key, expected answer) of practice trials: right answers are on both equally often."""
    order = sorted(range(len(known)), key=lambda place: drawn_number(*parts, "side", known[place][0]))
    first = _drawn(*parts)
    sides = [first] * len(known)
    for turn, place in enumerate(order):
        slot = first if turn % 2 == 0 else other_side(first)
        sides[place] = other_side(slot) if known[place][1] == "original" else slot
    return sides


def _drawn(*parts: object) -> Assignment.Side:
    return LEFT if drawn_number(*parts) % 2 == 0 else RIGHT


def _rarer(counts: Counter[str], otherwise: Assignment.Side) -> Assignment.Side:
    if counts[LEFT] == counts[RIGHT]:
        return otherwise
    return LEFT if counts[LEFT] < counts[RIGHT] else RIGHT
