"""A run's folder: whose it is, and that one process at a time works in it."""

import fcntl
import json
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attribution.errors import InputError

LOCK = "lock"
CACHE = "cache"
MAPS = "maps-"  # what the names of stored maps and of folders of decoded images begin with
DECODED = "decoded-"
STATE = "run.json"
STATE_BESIDE = f"{STATE}.tmp"


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Nobody else works in `out` inside the block. InputError if another process does, or if it holds other things.

    What a process that was killed left half written in the cache or beside a checkpoint is removed.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file: use another --out")
    known = (LOCK, CACHE, STATE_BESIDE)
    strange = sorted(path.name for path in out.iterdir() if path.name not in known) if out.exists() else []
    if strange and STATE not in strange:
        raise InputError(f"{out}: is not empty and holds no run ({', '.join(strange[:3])}): use another --out")
    out.mkdir(parents=True, exist_ok=True)
    with (out / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{out}: another process works in this folder: wait for it, or use another --out"
            ) from error
        for path in (*(out / CACHE).glob("*.tmp"), *(out / "conditions").glob("*.tmp")):
            _remove(path)
        yield


def check_owner(out: Path, state: Mapping[str, object], *, resume: bool) -> None:
    """InputError if `out` holds the work of another run, or of this one and `resume` was not asked for."""
    file = out / STATE
    if not file.is_file():
        return
    stored = json.loads(file.read_text())
    differing = sorted(name for name in {*stored, *state} if stored.get(name) != state.get(name))
    if differing:
        raise InputError(f"{out}: holds another run (not the same: {', '.join(differing)}): use another --out")
    if not resume:
        raise InputError(f"{out}: holds this run already: add --resume to go on, or use another --out")


def claim(out: Path, state: Mapping[str, object]) -> None:
    """Make the folder this run's own. Called when nothing can be wrong any more, so that a refused run claims none."""
    beside = out / STATE_BESIDE
    beside.write_text(json.dumps(state, indent=1))
    beside.replace(out / STATE)


def keep_in_cache(out: Path, kept: Collection[str]) -> None:
    """Remove the stored maps and decoded images in `out` whose names do not begin with one of `kept`."""
    for path in sorted((out / CACHE).glob("*")):
        if path.name.startswith((MAPS, DECODED)) and not path.name.startswith(tuple(kept)):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
