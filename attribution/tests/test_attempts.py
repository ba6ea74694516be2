"""What has ended a process is tried image by image."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from attribution.attempts import trying_images
from attribution.last_words import LastWords, Level, SideBySide, Word
from attribution.split_view import SplitView

STEP = ("0f1d8f3e", 1, "plan")
SPLIT = cast(SplitView, SimpleNamespace(names=("a", "b", "c", "d")))
ITEMS = [0, 1, 2]
BATCH = Level("scoring", "leave it out", ("a", "b", "c"))


@pytest.fixture
def words(tmp_path: Path) -> LastWords:
    return LastWords(tmp_path)


@contextmanager
def after(words: LastWords, *levels: Level) -> Iterator[None]:
    """A try of a step, whose process was ended in these before."""
    path = words._path(*STEP)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(Word(levels).as_bytes())
    with words.of(*STEP):
        yield


def score(alone: Callable[[int], object], items: list[int]) -> None:
    with trying_images("scoring", "leave it out", SPLIT, items, alone):
        pass


def test_the_first_time_all_are_tried_at_once(words: LastWords) -> None:
    def alone(_item: int) -> None:
        raise AssertionError("nobody asked for it")

    with words.of(*STEP):
        score(alone, ITEMS)


def test_the_next_time_each_is_tried_alone_and_named_with_those_that_went_well(words: LastWords) -> None:
    told = []
    with after(words, BATCH):
        score(lambda _: told.append(str(words.read(*STEP))), ITEMS)
    assert told == [
        "scoring: alone with the image a (leave it out)",
        "scoring: alone (1 others went well before) with the image b (leave the image b out of the data set, or leave "
        "it out)",
        "scoring: alone (2 others went well before) with the image c (leave the image c out of the data set, or leave "
        "it out)",
    ]


def test_which_ended_it_alone_comes_last(words: LastWords) -> None:
    tried: list[int] = []
    with after(words, BATCH, Level("alone", "", ("a",)), Level("maps")):
        score(tried.append, ITEMS)
    assert tried == [1, 2, 0]


def test_where_another_ends_it_as_well_no_image_is_blamed(words: LastWords) -> None:
    told = []
    with after(words, BATCH, Level("alone", "", ("a",))):
        score(lambda _: told.append(str(words.read(*STEP))), ITEMS)
    assert told[0] == "scoring: alone (as with a before) with the image b (leave it out)"


def test_other_images_are_tried_at_once(words: LastWords) -> None:
    tried: list[int] = []
    with after(words, BATCH):
        score(tried.append, [1, 2, 3])
    assert tried == []


def test_an_error_of_one_alone_is_left_to_the_attempt_with_all(words: LastWords) -> None:
    tried = []

    def alone(item: int) -> None:
        tried.append(item)
        raise RuntimeError("cannot")

    with after(words, BATCH):
        score(alone, ITEMS)
    assert tried == ITEMS


def test_what_threads_were_at_is_known_to_the_next_try(words: LastWords) -> None:
    with after(words, Level("decoding", "", ("a", "c"))):
        assert SideBySide("decoding", "").suspects == ("a", "c")
        assert SideBySide("something else", "").suspects == ()
    assert SideBySide("decoding", "").suspects == ()
