"""The log of a build: the last lines, from its workers and from the web side."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from studies.models import Build, BuildLine

MOST_LINES = 500
CANCELLED = "cancelled by {name}"
TRIED_AGAIN = "tried again by {name} (attempt "
NOBODY = "somebody erased"
LEVELS = ("debug", "info", "warning", "error", "critical")


@dataclass(frozen=True)
class Line:
    at: datetime
    worker: str
    level: str
    text: str


def lines_write(*, build: Build, lines: Sequence[Line]) -> None:
    """Add lines to a build's log, and drop the oldest where there are too many."""
    if not lines:
        return
    kept = lines[-MOST_LINES:]
    with transaction.atomic():
        BuildLine.objects.bulk_create(
            BuildLine(build=build, at=line.at, worker=line.worker, level=line.level, text=line.text) for line in kept
        )
        stored = BuildLine.objects.filter(build=build).order_by("-pk")
        oldest = stored.values_list("pk", flat=True)[MOST_LINES : MOST_LINES + 1]
        for key in oldest:
            BuildLine.objects.filter(build=build, pk__lte=key).delete()


def line_write(*, build: Build, text: str, level: str = "info") -> None:
    """Add a line of the web side to a build's log."""
    lines_write(build=build, lines=[Line(timezone.now(), "", level, text)])


def line_names_forget(*, usernames: Collection[str]) -> None:
    """Take the names of people who are erased out of the lines that say who asked for something."""
    for name in usernames:
        lines = BuildLine.objects.filter(worker="")
        lines.filter(text=CANCELLED.format(name=name)).update(text=CANCELLED.format(name=NOBODY))
        before = TRIED_AGAIN.format(name=name)
        # SQLite looks for the text in capitals and small letters alike.
        for line in [line for line in lines.filter(text__startswith=before) if line.text.startswith(before)]:
            text = TRIED_AGAIN.format(name=NOBODY) + line.text[len(before) :]
            lines.filter(pk=line.pk).update(text=text)
