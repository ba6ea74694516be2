"""Whether what is to be deleted after some days is deleted."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from harmony_app.doctor.result import Result, ok, warn
from studies.services.retention import retention_apply

LATE = timedelta(days=2)


def overdue() -> Iterator[Result]:
    due = retention_apply(write=False, now=timezone.now() - LATE)
    kept = ", ".join(f"{what} ({number})" for what, number in due.items() if number)
    if kept:
        yield warn(
            f"longer than the settings say there are: {kept}",
            "run `manage.py apply_retention --yes`, and every day from now on; beat does so where it runs",
        )
    else:
        yield ok("nothing personal is kept for longer than the settings say")
