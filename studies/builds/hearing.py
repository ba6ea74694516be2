"""Events of workers, taken in: they may be lost, late, doubled or out of order."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from studies.builds.events import Event, read_events
from studies.builds.log import lines_write
from studies.builds.steps import BATCH, OPEN, Kind, State, Step, build_begin, lock_build, step_failed, steps_of
from studies.models import Build, BuildStep


def events_take(*, events: object) -> list[Build]:
    """Take in what workers tell; returns the builds under way of which something was told."""
    by_build: dict[UUID, list[Event]] = defaultdict(list)
    for event in read_events(events):
        by_build[event.build].append(event)
    known = Build.objects.filter(key__in=list(by_build)).order_by("pk")
    return [build for build in known if _take(build, by_build[build.key])]


def _take(build: Build, events: list[Event]) -> bool:
    lines_write(build=build, lines=[line for event in events for line in event.lines])
    present = sorted((event for event in events if event.attempt == build.attempt), key=lambda event: event.at)
    if not present or not build.is_under_way:
        return False
    with transaction.atomic():
        locked = lock_build(build)
        if locked is None:
            return False
        if locked.state == State.QUEUED:
            build_begin(locked)
        if not locked.host:
            Build.objects.filter(pk=locked.pk).update(seen_at=timezone.now())
        names = {event.step for event in present}
        # What the web side does itself is not for others to report on.
        rows = steps_of(locked).filter(state__in=OPEN).exclude(kind=Kind.IMPORT)
        steps = {step.name: step for step in rows.filter(name__in=names)}
        _apply(locked, steps, present)
    return True


def _apply(build: Build, steps: dict[str, BuildStep], events: list[Event]) -> None:
    done = {event.step: event for event in events if event.state == "done" and event.step in steps}
    last = {event.step: event for event in events if event.step in steps and event.step not in done}
    failed = {event.step: event for event in events if event.state == "failed" and event.step in last}
    _set_done(steps, done.values())
    running = [event for name, event in last.items() if event.state == "running" and name not in failed]
    _set_running(steps, running)
    for name, event in failed.items():
        step = steps[name]
        # An error that is told a second time carries the same time.
        if step.finished_at != event.at:
            step.finished_at = event.at
            step_failed(build, step, error=event.error, kind=event.kind, worker=event.worker)


def _set_done(steps: dict[str, BuildStep], events: Iterable[Event]) -> None:
    now = timezone.now()
    by_worker: dict[str, list[BuildStep]] = defaultdict(list)
    timed = []
    for event in events:
        step = steps[event.step]
        by_worker[event.worker].append(step)
        if event.seconds is not None:
            step.seconds = event.seconds
            timed.append(step)
    for worker, theirs in by_worker.items():
        marked = BuildStep.objects.filter(pk__in=[step.pk for step in theirs])
        marked.update(state=Step.DONE, worker=worker, finished_at=now, seen_at=now)
    BuildStep.objects.bulk_update(timed, ["seconds"], batch_size=BATCH)


def _set_running(steps: dict[str, BuildStep], events: Iterable[Event]) -> None:
    now = timezone.now()
    changed = []
    for event in events:
        step = steps[event.step]
        if step.state != Step.RUNNING or step.worker != event.worker:
            step.started_at = now
        step.state, step.worker, step.seen_at = Step.RUNNING, event.worker, now
        step.what, step.done, step.total = event.what, event.done, event.total
        changed.append(step)
    fields = ["state", "worker", "seen_at", "started_at", "what", "done", "total"]
    BuildStep.objects.bulk_update(changed, fields, batch_size=BATCH)
