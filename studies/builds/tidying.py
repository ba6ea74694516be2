"""What builds leave in the shared storage, and what of it nobody needs."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from studies.builds.storage import open_storage
from studies.models import Build
from studies.models.builds import UNDER_WAY


@dataclass(frozen=True)
class LeftRun:
    """A run whose chunks are in the storage; `is_needed` where a build may go on with them."""

    run: str
    chunks: int
    is_needed: bool


def left_runs(*, days: int) -> list[LeftRun]:
    """List the runs that have chunks. Those of builds that are under way, or that ended unfinished in the last days,
    are needed. Raises OSError where the storage is down.
    """
    chunks: dict[str, int] = {}
    for name in open_storage().list("runs"):
        parts = name.split("/")
        if len(parts) > 3 and parts[2] == "chunks":
            chunks[parts[1]] = chunks.get(parts[1], 0) + 1
    since = timezone.now() - timedelta(days=days)
    ended = Build.objects.filter(state__in=(Build.State.FAILED, Build.State.CANCELLED), finished_at__gte=since)
    needed = (Build.objects.filter(state__in=UNDER_WAY) | ended).values_list("plan", flat=True)
    runs = {plan.get("run") for plan in needed}
    # What a build that is just being planned will find is not known yet.
    is_planned = Build.objects.filter(state__in=UNDER_WAY, plan={}).exists()
    return [LeftRun(run, number, is_planned or run in runs) for run, number in sorted(chunks.items())]


def run_tidy(*, run: LeftRun) -> None:
    """Delete the chunks of a run; its fine-tuned networks stay. A build that needs a chunk makes it again."""
    open_storage().remove_all(f"runs/{run.run}/chunks")
