"""What a process was about to try when it was ended is known to others."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread

import pytest

from attribution.jobs.scratch import tidy
from attribution.last_words import KEPT_SECONDS, LastWords, Level, SideBySide, Word, trying

STEP = ("0f1d8f3e", 1, "plan")
ENDING = """
import os, sys
from pathlib import Path
from attribution.last_words import LastWords, trying
with LastWords(Path(sys.argv[1])).of("0f1d8f3e", 1, "plan"):
    with trying("RMA x GradCAM"):
        with trying("a part before"):
            pass
        with trying("maps by GradCAM", "leave GradCAM out", lambda: ["a", "b"]):
            os._exit(3)
"""


@pytest.fixture
def ended(tmp_path: Path) -> LastWords:
    """The words of a machine on which a process was ended in the middle of a step."""
    assert subprocess.run([sys.executable, "-c", ENDING, tmp_path], check=False).returncode == 3
    return LastWords(tmp_path)


def test_what_a_process_was_about_to_try_outlives_it(ended: LastWords) -> None:
    told = "RMA x GradCAM: maps by GradCAM with the images a, b (leave GradCAM out)"
    assert str(ended.read(*STEP)) == told


def test_the_next_try_knows_which_attempt_has_ended_the_process(ended: LastWords) -> None:
    with ended.of(*STEP), trying("RMA x GradCAM") as whole:
        with trying("a part before") as other:
            pass
        with trying("maps by GradCAM", images=lambda: ["c", "d"]) as others:
            pass
        with trying("maps by GradCAM", images=lambda: ["a", "b"]) as same:
            pass
    assert (whole, other, others, same) == (True, False, False, True)


def test_a_step_that_ends_by_itself_leaves_no_word(tmp_path: Path) -> None:
    words = LastWords(tmp_path)
    with pytest.raises(ValueError, match="no"), words.of(*STEP), trying("something"):
        raise ValueError("no")
    assert words.read(*STEP) is None
    assert list((tmp_path / "trying").iterdir()) == []


def test_between_attempts_there_is_no_word(tmp_path: Path) -> None:
    words = LastWords(tmp_path)
    with words.of(*STEP):
        with trying("something long, with many images", images=lambda: ["image"] * 100):
            pass
        assert words.read(*STEP) is None
        with trying("short"):
            assert str(words.read(*STEP)) == "short"


@pytest.mark.parametrize("room", [0, 3], ids=["no byte", "a few bytes"])
def test_where_there_is_no_room_no_finished_attempt_is_left_as_the_word(tmp_path: Path, room: int) -> None:
    words = LastWords(tmp_path)
    usual, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    with words.of(*STEP), trying("the whole"):
        try:
            with trying("a part that goes well"):
                resource.setrlimit(resource.RLIMIT_FSIZE, (room, most))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (usual, most))
        assert words.read(*STEP) is None


def test_another_try_of_a_step_under_way_does_not_take_it_for_ended(tmp_path: Path) -> None:
    one, other = LastWords(tmp_path), LastWords(tmp_path)
    with one.of(*STEP), trying("something"):
        with other.of(*STEP) as before:
            assert before is None
        assert str(one.read(*STEP)) == "something"


def test_each_step_has_a_word_of_its_own(ended: LastWords) -> None:
    with ended.of(STEP[0], 2, "plan") as before:
        assert before is None


def test_where_no_word_can_be_written_the_step_goes_on(tmp_path: Path) -> None:
    (tmp_path / "trying").write_text("no folder")
    with LastWords(tmp_path).of(*STEP) as before, trying("something") as has_ended:
        assert (before, has_ended) == (None, False)


def test_without_a_step_nobody_asks_for_names() -> None:
    def names() -> list[str]:
        raise AssertionError

    with trying("something", images=names) as has_ended:
        assert not has_ended


def test_threads_side_by_side_are_all_named(tmp_path: Path) -> None:
    words, together = LastWords(tmp_path), Barrier(3)
    with words.of(*STEP):
        decoding = SideBySide("decoding", "make them smaller")

        def decode(name: str) -> None:
            with decoding.trying(name):
                together.wait(60)
                together.wait(60)

        threads = [Thread(target=decode, args=(name,)) for name in ("a", "b")]
        for thread in threads:
            thread.start()
        together.wait(60)
        seen = words.read(*STEP)
        together.wait(60)
        for thread in threads:
            thread.join()
        assert words.read(*STEP) is None
    assert seen is not None
    assert set(seen.levels[0].images) == {"a", "b"}


def test_a_word_of_yesterday_is_tidied_away(ended: LastWords, tmp_path: Path) -> None:
    tidy(tmp_path, most=1e9)
    assert ended.read(*STEP) is not None
    (file,) = (tmp_path / "trying").iterdir()
    old = time.time() - KEPT_SECONDS - 60
    os.utime(file, (old, old))
    tidy(tmp_path, most=1e9)
    assert ended.read(*STEP) is None


@pytest.mark.parametrize(
    ("images", "told"),
    [
        ((), "maps (take less)"),
        (("a",), "maps with the image a (take less)"),
        (tuple("abcdefghijklmno"), "maps with the images a, b, c, d, e, f, g, h, i, j, k, l and 3 more (take less)"),
    ],
)
def test_a_word_says_what_with_what_and_what_to_do(images: tuple[str, ...], told: str) -> None:
    assert str(Word((Level("maps", "take less", images),))) == told


@pytest.mark.parametrize("damage", [lambda _: b"", lambda content: content[:9], lambda _: b"[[1]]\0", lambda _: b"3\0"])
def test_a_damaged_word_is_none(ended: LastWords, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    (file,) = (tmp_path / "trying").iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert ended.read(*STEP) is None
