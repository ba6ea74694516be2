"""A worker's scratch folder, kept small: what was not used for longest goes first, for all of it can be made again.

finetuned/*.pt                  networks that were fetched from the storage; .*.tmp where a kill has cut that off
cache/torch-*/decoded-*         images at the networks' size
cache/torch-*/maps-*            the original networks' maps, one lock file for each
training/<slot>/*.pt            fine-tunings that somebody has begun
making/<slot>-<build>           bundles that somebody is putting together
trying/*                        what the steps under way are about to try
"""

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from glob import escape
from pathlib import Path

from attribution.last_words import LastWords
from attribution.shared_storage import TEMPORARY
from attribution.workspace import DECODED, MAPS

logger = logging.getLogger(__name__)

GIBIBYTE = 2**30
# Somebody may be at work with what was used in this time: images and maps are in use for as long as a run is loaded,
# which marks them at every step, while a checkpoint or a bundle is touched now and then.
IN_USE_SECONDS = 3600.0
BEGUN_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class _Kept:
    used_at: float
    size: int
    free_after: float
    remove: Callable[[], None]


def tidy(work: Path, most: float) -> None:
    """Delete what was not used for longest until the folder has at most so many bytes, or the rest is in use."""
    LastWords(work).tidy()
    kept = sorted(_everything(work), key=lambda each: each.used_at)
    total = sum(each.size for each in kept)
    now = time.time()
    for each in kept:
        if total <= most:
            return
        if now - each.used_at > each.free_after:
            each.remove()
            total -= each.size
    if total > most:
        logger.warning("the scratch folder has %.1f GiB, all of it in use", total / GIBIBYTE)


def mark(paths: list[Path]) -> None:
    """Note that these are in use."""
    for path in paths:
        with suppress(FileNotFoundError):
            os.utime(path)


def drop_unfinished(work: Path, slot: str) -> None:
    """Remove the bundles that a process of this slot has left half made when it was killed."""
    # A build's key has 36 letters; another slot's name may begin like this one's.
    for path in (work / "making").glob(f"{escape(slot)}-{'?' * 36}"):
        shutil.rmtree(path, ignore_errors=True)


def _everything(work: Path) -> Iterator[_Kept]:
    for path in (work / "finetuned").glob("*.pt"):
        yield from _file(path, IN_USE_SECONDS)
    for path in (work / "training").glob("*/*.pt"):
        yield from _file(path, BEGUN_SECONDS)
    for folder in ("finetuned", "training/*"):
        for path in work.glob(f"{folder}/*{TEMPORARY}"):
            yield from _file(path, BEGUN_SECONDS)
    for path in (work / "making").glob("*"):
        yield _folder(path, BEGUN_SECONDS)
    for path in (work / "cache").glob(f"*/{DECODED}*"):
        yield _folder(path, IN_USE_SECONDS)
    for lock in (work / "cache").glob(f"*/{MAPS}*.lock"):
        files = [path for path in lock.parent.glob(f"{lock.stem}-*") if path.is_file()]
        if files:
            used_at = max(_seen(path)[0] for path in files)
            yield _Kept(used_at, sum(_seen(path)[1] for path in files), IN_USE_SECONDS, partial(_remove_maps, lock))


def _file(path: Path, free_after: float) -> Iterator[_Kept]:
    used_at, size = _seen(path)
    yield _Kept(used_at, size, free_after, partial(path.unlink, missing_ok=True))


def _folder(path: Path, free_after: float) -> _Kept:
    inside = [_seen(each) for each in path.rglob("*")]
    used_at = max([_seen(path)[0], *(changed for changed, _ in inside)])
    return _Kept(used_at, sum(size for _, size in inside), free_after, partial(_remove_folder, path))


def _seen(path: Path) -> tuple[float, int]:
    """When a file was last changed or marked, and its size on the disk; nothing for one that is gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0.0, 0
    return found.st_mtime, 512 * found.st_blocks


def _remove_folder(path: Path) -> None:
    # At once for whoever looks for it. Those who have opened it keep what they see.
    gone = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with suppress(OSError):
        path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _remove_maps(lock: Path) -> None:
    # The lock stays: it is what others wait for who make the files anew.
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        # First what says which of them are done, so that a kill in between leaves nothing that counts.
        (lock.parent / f"{lock.stem}-done.npy").unlink(missing_ok=True)
        for path in lock.parent.glob(f"{lock.stem}-*"):
            path.unlink(missing_ok=True)
