"""Celery tasks of the web side: `celery --app harmony_app worker --queues default`."""

from uuid import UUID

from celery import shared_task

from studies.builds import ticking
from studies.builds.importing import build_load
from studies.services.retention import retention_apply


@shared_task(name="studies.builds.heard", ignore_result=True, reject_on_worker_lost=True)
def heard(events: object) -> None:
    """Take in what workers tell of their steps."""
    ticking.heard(events)


@shared_task(name="studies.builds.tick", ignore_result=True)
def tick() -> None:
    """Look after the builds that are under way."""
    ticking.builds_tick()


@shared_task(name="studies.builds.load", ignore_result=True, reject_on_worker_lost=True)
def load(build: str, attempt: int) -> None:
    """Load the study of a build; nothing happens where that is done, or not needed any more."""
    build_load(key=UUID(build), attempt=attempt)


@shared_task(name="studies.apply_retention")
def apply_retention() -> dict[str, int]:
    """Delete what was kept long enough; returns how much of each kind."""
    return retention_apply(write=True)
