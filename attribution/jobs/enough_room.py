"""Whether there is the room that a build is estimated to take, in a worker's scratch folder and in the storage."""

import logging
from math import inf
from pathlib import Path

from attribution.last_words import FOLDER
from attribution.room import Room, check_disk, existing, taken, told
from attribution.shared_folder import SharedFolder
from attribution.shared_storage import SharedStorage

ANSWERS = "runs/answers"
"""Where the storage has what the original networks say of images."""

logger = logging.getLogger(__name__)


def tell(room: Room) -> None:
    """Say in the log what a build is estimated to take."""
    logger.info(
        "estimated room: %s in the scratch folder of a worker that does all steps, %s in the shared storage",
        told(sum(room.scratch.values())),
        told(sum(room.shared.values())),
    )


def check_scratch(room: Room, work: Path, most: float, where: str) -> None:
    """InputError if the scratch folder, which may have `most` bytes, cannot have what one worker keeps of a build."""
    remedy = "free space on its disk, or raise HARMONY_WORK_GIBIBYTES where that is the limit"
    check_disk(work, room.scratch, where, "a worker's scratch folder", remedy, own=_own(work), most=most)


def check_storage(room: Room, storage: SharedStorage, place: str, work: Path, where: str) -> None:
    """InputError if the disk of a storage in a folder has no room for what the build leaves; buckets do not say.

    `place` is the run's, where some of it may be. What comes to the scratch folder counts where it is on the same disk.
    """
    if not isinstance(storage, SharedFolder):
        return
    parts, own = dict(room.shared), taken(storage.folder / place)
    # Other builds have theirs in the same folder.
    own += min(taken(storage.folder / ANSWERS), room.answers)
    if existing(storage.folder).stat().st_dev == existing(work).stat().st_dev:
        parts["the worker's scratch folder on the same disk"] = sum(room.scratch.values())
        own += _own(work)
    remedy = "free space there, as `manage.py tidy_builds` does"
    check_disk(storage.folder, parts, where, "the storage of builds", remedy, own=own, most=inf)


def _own(work: Path) -> int:
    """What a scratch folder has of what is estimated: not the words of the steps under way."""
    return taken(work) - taken(work / FOLDER)
