"""What the steps of the last build took, from the database; runs inside the site."""

import json
from datetime import datetime
from typing import Any

from studies.models import Build, BuildStep


def show() -> None:
    """Print the numbers as JSON: the build's state and seconds, and by kind of step how many, seconds and span."""
    build = Build.objects.order_by("-pk")[0]
    steps = BuildStep.objects.filter(build=build, attempt=build.attempt)
    kinds: dict[str, dict[str, Any]] = {}
    for kind in ("plan", "finetune", "chunk", "merge", "import"):
        found = list(
            steps.filter(kind=kind).values_list("state", "sent_at", "finished_at", "seconds", "images", "worker")
        )
        done = [row for row in found if row[0] == "done"]
        kinds[kind] = {
            "steps": len(found),
            "done": len(done),
            "seconds": sum(row[3] or 0 for row in done),
            "span": _span([row[1] for row in done], [row[2] for row in done]),
            "images": sum(row[4] for row in done),
            "workers": len({row[5] for row in done}),
        }
    last = build.finished_at
    print(
        json.dumps(
            {
                "state": build.state,
                "error": build.error,
                "seconds": None if last is None else (last - build.requested_at).total_seconds(),
                "kinds": kinds,
            }
        )
    )


def _span(begun: list[datetime | None], ended: list[datetime | None]) -> float | None:
    """From the first sending to the last end, in seconds."""
    starts = [each for each in begun if each is not None]
    ends = [each for each in ended if each is not None]
    return (max(ends) - min(starts)).total_seconds() if starts and ends else None
