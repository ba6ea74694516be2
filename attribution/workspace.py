"""A run's folder: whose it is, and that one process at a time works in it."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attribution.errors import InputError

LOCK = "lock"
CACHE = "cache"
STATE = "run.json"


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Nobody else works in `out` inside the block. InputError if another process does, or if it holds other things."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file: use another --out")
    strange = sorted(path.name for path in out.iterdir() if path.name not in (LOCK, CACHE)) if out.exists() else []
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
        yield


def check_owner(out: Path, state: Mapping[str, object], *, resume: bool) -> None:
    """InputError if `out` holds the work of another run, or of this one and `resume` was not asked for."""
    file = out / STATE
    if not file.is_file():
        return
    if json.loads(file.read_text()) != state:
        raise InputError(f"{out}: holds another run (data, network, seed or batch differ): use another --out")
    if not resume:
        raise InputError(f"{out}: holds this run already: add --resume to go on, or use another --out")


def claim(out: Path, state: Mapping[str, object]) -> None:
    """Make the folder this run's own. Called when nothing can be wrong any more, so that a refused run claims none."""
    beside = out / f"{STATE}.tmp"
    beside.write_text(json.dumps(state, indent=1))
    beside.replace(out / STATE)
