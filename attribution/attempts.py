"""Saying what is tried with images; where that has ended the process before, each of them is tried alone first."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial

from attribution.last_words import named_before, trying
from attribution.poisoned_images import BLAMED
from attribution.split_view import SplitView

SMALLER = "try a smaller batch or preprocessing.size"


@contextmanager
def trying_images(
    what: str, remedy: str, split: SplitView, items: Sequence[int], alone: Callable[[int], object]
) -> Iterator[None]:
    """As `trying`, with images of the split. ``alone(item)`` does the same with one of them.

    The process then ends while it is at one image, which the next word names.
    """
    with trying(what, remedy, lambda: names_of(split, items)) as has_ended:
        if has_ended:
            try_alone("", remedy, split, items, alone)
        yield


def try_alone(what: str, remedy: str, split: SplitView, items: Sequence[int], alone: Callable[[int], object]) -> None:
    """Try each of the images; one of them may end the process, and no error is raised.

    Whoever ended the last try alone comes last: it is to blame only if others go well.
    """
    before = named_before()
    ordered = sorted(items, key=lambda item: before == (split.names[item],))
    for passed, item in enumerate(ordered):
        if passed:
            how = f"alone ({passed} others went well before)"
        else:
            how = f"alone (as with {before[0]} before)" if len(before) == 1 else "alone"
        word = trying(f"{what} {how}".strip(), remedy, partial(names_of, split, [item]), others_work=passed > 0)
        # An error is told by the attempt with all of them, which comes after.
        with word, suppress(*BLAMED, MemoryError):
            alone(item)


def names_of(split: SplitView, items: Sequence[int]) -> list[str]:
    return [split.names[item] for item in items]
