"""The folder in which the processes of one server keep what they count, for all of them to be read together."""

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

LOCK = "lock"
# Held open as long as the server runs: the lock that says so goes with it, and with its workers.
_held: list[IO[bytes]] = []


def make_folder(parent: Path) -> Path:
    """Make a new folder below `parent`, locked by this process and those that it forks, and remove those left over."""
    parent.mkdir(parents=True, exist_ok=True)
    for folder in _abandoned(parent):
        shutil.rmtree(folder, ignore_errors=True)
    # Locked before it has its name, so that no other server takes it for left over.
    hidden = Path(tempfile.mkdtemp(prefix=".", dir=parent))
    lock = (hidden / LOCK).open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    _held.append(lock)
    return hidden.rename(parent / secrets.token_hex(8))


def _abandoned(parent: Path) -> Iterator[Path]:
    """Give the folders whose servers have gone: nobody holds their lock."""
    for path in parent.glob(f"[!.]*/{LOCK}"):
        # Another server that starts may be removing it.
        with contextlib.suppress(FileNotFoundError), path.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield path.parent


def use_folder(folder: Path) -> None:
    """Let this process and those that it starts count there; before the first metric is made."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
