"""The studies, as far as it is quick: places and assignments. `manage.py check_study` looks at everything."""

from collections.abc import Iterator

from django.db.models import Count, F, Q

from harmony_app.doctor.result import Result, fail, ok
from studies.models import Assignment, Trial

HELD = Q(assignments__is_counted=True) & ~Q(assignments__state=Assignment.State.RELEASED)


def places() -> Iterator[Result]:
    """Whether every trial knows how many of its places are held: what a half-restored database would get wrong."""
    wrong = Trial.objects.annotate(held=Count("assignments", filter=HELD)).exclude(assigned=F("held"))
    studies = list(wrong.values_list("study__slug", flat=True).order_by("study__slug").distinct())
    for slug in studies:
        yield fail(f"{slug}: trials have other places than assignments", f"run `manage.py check_study {slug}`")
    if not studies:
        yield ok("every trial knows its assignments")
