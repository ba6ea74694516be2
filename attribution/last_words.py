"""What a process was about to try when it was ended: a word in a file, which outlives it.

A segmentation fault, `os._exit` and the kernel's want of memory leave nobody time to say anything. So whoever carries
out a step says before each attempt what it tries, with one system call. Who notices that the process is gone reads it,
and so does the next try of the step.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from threading import Lock

FOLDER = "trying"
MOST_IMAGES = 200
"""How many images of a batch are kept, and how many of them are told."""
MOST_TOLD = 12
LONGEST = 60_000
KEPT_SECONDS = 24 * 3600.0
END = b"\0"


@dataclass(frozen=True)
class Level:
    """Something that is tried, as a part of what surrounds it; `images` are all that it is tried with at once.

    `others_work` where the image is tried alone, and others went well before.
    """

    what: str
    remedy: str = ""
    images: tuple[str, ...] = ()
    others_work: bool = False

    @cached_property
    def encoded(self) -> str:
        """As JSON, once for all of its parts."""
        return json.dumps([self.what, self.remedy, self.images, self.others_work])


@dataclass(frozen=True)
class Word:
    """What was tried, from the whole to its part."""

    levels: tuple[Level, ...]

    def __str__(self) -> str:
        """What was tried, with which images, and what can be done about it."""
        what = ": ".join(level.what for level in self.levels if level.what)
        images = self.of_images.images
        remedy = next((level.remedy for level in reversed(self.levels) if level.remedy), "")
        if self.of_images.others_work:
            remedy = f"leave the image {images[0]} out of the data set, or {remedy}"
        return f"{what}{_told(images)}" + (f" ({remedy})" if remedy else "")

    @property
    def of_images(self) -> Level:
        """The innermost level that names images."""
        return next((level for level in reversed(self.levels) if level.images), Level(""))

    def as_bytes(self) -> bytes:
        return f"[{','.join(level.encoded for level in self.levels)}]".encode()

    @classmethod
    def read(cls, content: bytes) -> "Word | None":
        """The word of a file; None where there is none yet, or not a whole one."""
        try:
            listed = json.loads(content.split(END)[0])
            levels = [Level(what, remedy, tuple(images), alone) for what, remedy, images, alone in listed]
        except (ValueError, TypeError):
            return None
        return cls(tuple(levels)) if levels else None


def _told(images: Sequence[str]) -> str:
    if not images:
        return ""
    if len(images) == 1:
        return f" with the image {images[0]}"
    more = len(images) - MOST_TOLD
    return f" with the images {', '.join(images[:MOST_TOLD])}" + (f" and {more} more" if more > 0 else "")


class Sheet:
    """The file of the step under way, and what an earlier try of the same step had written into its own."""

    def __init__(self, file: int, before: Word | None) -> None:
        self._file = file
        self.before = before

    def write(self, levels: tuple[Level, ...]) -> None:
        word = Word(levels).as_bytes()
        # A word that is too long, or finds no room, may not leave another's in its place.
        content = (word if len(word) < LONGEST else b"") + END
        try:
            # One call, so that no kill comes in between; what was longer before is cut off by the end's mark.
            is_whole = os.pwrite(self._file, content, 0) == len(content)
        except OSError:
            is_whole = False
        if not is_whole:
            with suppress(OSError):
                os.ftruncate(self._file, 0)

    def ended_before(self, levels: tuple[Level, ...]) -> bool:
        """Whether an earlier try was ended in this very attempt, or in a part of it."""
        if self.before is None:
            return False
        then = self.before.levels[: len(levels)]
        return [(each.what, each.images) for each in then] == [(each.what, each.images) for each in levels]


_sheet: ContextVar[Sheet | None] = ContextVar("sheet", default=None)
_levels: ContextVar[tuple[Level, ...]] = ContextVar("levels", default=())


@contextmanager
def trying(
    what: str, remedy: str = "", images: Callable[[], Sequence[str]] = tuple, *, others_work: bool = False
) -> Iterator[bool]:
    """Say what the block tries, as a part of what surrounds it; gives whether that has ended the process before.

    Nothing happens where no step is carried out, and nobody asks for the names of the `images`.
    """
    sheet = _sheet.get()
    if sheet is None:
        yield False
        return
    outer = _levels.get()
    levels = (*outer, Level(what, remedy, tuple(images()[:MOST_IMAGES]), others_work))
    token = _levels.set(levels)
    sheet.write(levels)
    try:
        yield sheet.ended_before(levels)
    finally:
        _levels.reset(token)
        sheet.write(outer)


def named_before() -> tuple[str, ...]:
    """The images that an earlier try of the step under way was at when its process was ended."""
    sheet = _sheet.get()
    return () if sheet is None or sheet.before is None else sheet.before.of_images.images


class SideBySide:
    """Attempts that threads make at the same time: the word names all that are under way."""

    def __init__(self, what: str, remedy: str) -> None:
        self._sheet, self._outer = _sheet.get(), _levels.get()
        self._what, self._remedy = what, remedy
        self._lock = Lock()
        self._names: list[str] = []

    @property
    def suspects(self) -> tuple[str, ...]:
        """What was under way when the process of an earlier try was ended."""
        before = None if self._sheet is None else self._sheet.before
        if before is None or len(before.levels) <= len(self._outer):
            return ()
        then = before.levels[len(self._outer)]
        return then.images if then.what == self._what else ()

    @contextmanager
    def trying(self, name: str) -> Iterator[None]:
        """Say that the block, in whatever thread, is about this as well."""
        if self._sheet is None:
            yield
            return
        with self._lock:
            self._names.append(name)
            self._write(self._sheet)
        try:
            yield
        finally:
            with self._lock:
                self._names.remove(name)
                self._write(self._sheet)

    def _write(self, sheet: Sheet) -> None:
        # Where none is under way, nothing of it is to blame for what comes after.
        under_way = (Level(self._what, self._remedy, tuple(self._names)),) if self._names else ()
        sheet.write((*self._outer, *under_way))


class LastWords:
    """The words of a machine's steps, in its scratch folder."""

    def __init__(self, work: Path) -> None:
        self._folder = work / FOLDER

    @contextmanager
    def of(self, build: str, attempt: int, step: str) -> Iterator[Word | None]:
        """Keep the words of this step during the block; gives that of an earlier try, which was ended."""
        path = self._path(build, attempt, step)
        file = _locked(path)
        if file is None:
            yield None
            return
        before = Word.read(os.pread(file, LONGEST, 0))
        os.ftruncate(file, 0)
        token = _sheet.set(Sheet(file, before))
        try:
            yield before
        finally:
            _sheet.reset(token)
            with suppress(OSError):
                path.unlink(missing_ok=True)
            os.close(file)

    def read(self, build: str, attempt: int, step: str) -> Word | None:
        """What a process was about to try that was ended in this step."""
        try:
            return Word.read(self._path(build, attempt, step).read_bytes())
        except OSError:
            return None

    def tidy(self) -> None:
        """Remove the words of steps that nobody has come back to for a day."""
        for path in self._folder.glob("*"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                    path.unlink()

    def _path(self, build: str, attempt: int, step: str) -> Path:
        return self._folder / sha256(json.dumps([build, attempt, step]).encode()).hexdigest()[:32]


def _locked(path: Path) -> int | None:
    """The file, opened, for this process alone; None where another is at the same step, or none can be written.

    A lock goes with its process, so that the word of a living one is never taken for that of one that was ended.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        # Where the step needs the folder it says itself what is wrong with it.
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file
