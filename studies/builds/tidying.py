"""What builds leave in the shared storage, and what of it nobody needs."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from attribution.shared_storage import Entry
from studies.builds.storage import open_storage
from studies.models import Build
from studies.models.builds import UNDER_WAY

DAY = 24 * 3600
# Where the first is, a network counts as fine-tuned, so that it goes first.
ENDINGS = (".json", ".partial.pt", ".pt")
MARKER = re.compile(r"builds/[0-9a-f-]{36}/cancelled-\d+")


@dataclass(frozen=True)
class LeftRun:
    """A run whose chunks are in the storage; `is_needed` where a build may go on with them."""

    run: str
    chunks: int
    is_needed: bool


@dataclass(frozen=True)
class LeftNetworks:
    """The fine-tuned networks of a run that are old: the objects that they are kept in, and their bytes.

    `is_needed` where a build may go on with them.
    """

    run: str
    objects: tuple[str, ...]
    size: int
    is_needed: bool

    @property
    def count(self) -> int:
        """How many there are, finished or not."""
        return len({_stem(name) for name in self.objects})


def left_runs(*, days: int) -> list[LeftRun]:
    """List the runs that have chunks. Those of builds that are under way, or that ended unfinished in the last days,
    are needed. Raises OSError where the storage is down.
    """
    chunks: dict[str, int] = {}
    for name in open_storage().list("runs"):
        parts = name.split("/")
        if len(parts) > 3 and parts[2] == "chunks":
            chunks[parts[1]] = chunks.get(parts[1], 0) + 1
    needed = _needed_runs(days, chunks)
    return [LeftRun(run, number, run in needed) for run, number in sorted(chunks.items())]


def left_networks(*, days: int, older_than: int) -> list[LeftNetworks]:
    """List the runs with fine-tuned networks of which nothing was written for `older_than` days; needed as above.

    Raises OSError where the storage is down.
    """
    before = time.time() - older_than * DAY
    kept: dict[str, dict[str, list[Entry]]] = {}
    for entry in open_storage().entries("runs"):
        parts = entry.name.split("/")
        if len(parts) == 4 and parts[2] == "conditions":
            kept.setdefault(parts[1], {}).setdefault(_stem(entry.name), []).append(entry)
    found: dict[str, list[Entry]] = {}
    for run, networks in kept.items():
        old = [entries for entries in networks.values() if max(entry.written_at for entry in entries) <= before]
        if old:
            found[run] = [entry for entries in old for entry in entries]
    needed = _needed_runs(days, found)
    return [
        LeftNetworks(
            run,
            tuple(sorted((entry.name for entry in entries), key=_order)),
            sum(entry.size for entry in entries),
            run in needed,
        )
        for run, entries in sorted(found.items())
    ]


def left_folders() -> list[str]:
    """List the folders of removed builds that were left with a marker for their workers, a day after the last of it was
    written: workers look for markers every few seconds, and a broker keeps no step for longer.

    Raises OSError where the storage is down.
    """
    found: dict[str, list[Entry]] = {}
    for entry in open_storage().entries("builds"):
        found.setdefault("/".join(entry.name.split("/")[:2]), []).append(entry)
    # Asked afterwards: the row of a build is there before its files.
    known = {f"builds/{key}" for key in Build.objects.values_list("key", flat=True)}
    before = time.time() - DAY
    return [
        folder
        for folder, entries in sorted(found.items())
        if folder not in known
        and any(MARKER.fullmatch(entry.name) for entry in entries)
        and max(entry.written_at for entry in entries) <= before
    ]


def run_tidy(*, run: LeftRun) -> None:
    """Delete the chunks of a run; its fine-tuned networks stay. A build that needs a chunk makes it again."""
    open_storage().remove_all(f"runs/{run.run}/chunks")


def networks_tidy(*, networks: LeftNetworks, days: int) -> bool:
    """Delete old networks of a run; a build that needs one fine-tunes again. False where one has begun to need them."""
    if networks.run in _needed_runs(days, [networks.run]):
        return False
    storage = open_storage()
    for name in networks.objects:
        storage.remove(name)
    return True


def folder_tidy(*, folder: str) -> None:
    """Delete what was left of a removed build."""
    open_storage().remove_all(folder)


def _needed_runs(days: int, runs: Iterable[str]) -> set[str]:
    """Those of the runs that a build needs which is under way, or which ended unfinished in the last days."""
    # What a build that is just being planned will find is not known yet.
    if Build.objects.filter(state__in=UNDER_WAY, plan={}).exists():
        return set(runs)
    since = timezone.now() - timedelta(days=days)
    ended = Build.objects.filter(state__in=(Build.State.FAILED, Build.State.CANCELLED), finished_at__gte=since)
    plans = (Build.objects.filter(state__in=UNDER_WAY) | ended).values_list("plan", flat=True)
    return {plan.get("run") for plan in plans} & set(runs)


def _stem(name: str) -> str:
    return next((name.removesuffix(ending) for ending in ENDINGS if name.endswith(ending)), name)


def _order(name: str) -> tuple[int, str]:
    return (0 if name.endswith(ENDINGS[0]) else 1, name)
