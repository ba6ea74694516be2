"""What can happen to steps and builds, under the lock of the build's row."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from studies.builds.log import line_write
from studies.models import Build, BuildStep
from studies.models.builds import UNDER_WAY

Kind = BuildStep.Kind
Step = BuildStep.State
State = Build.State

MOST_LOSSES = 3
WAITS = (5, 20, 60)
"""Seconds before a step is tried again that failed in a way that may pass."""
OPEN = (Step.WAITING, Step.SENT, Step.RUNNING)
SENT_OUT = (Step.SENT, Step.RUNNING)
LONGEST_ERROR = 4000
KEPT = "what is finished is kept."
BATCH = 500


def lock_build(build: Build) -> Build | None:
    """Return the build as it is now, locked until the end of the transaction; None where this attempt has ended."""
    locked = Build.objects.select_for_update(no_key=True)
    return locked.filter(pk=build.pk, attempt=build.attempt, state__in=UNDER_WAY).first()


def steps_of(build: Build) -> QuerySet[BuildStep]:
    """The steps of the present attempt."""
    return BuildStep.objects.filter(build=build, attempt=build.attempt)


def build_begin(build: Build) -> None:
    """Note that somebody has begun with the build."""
    begun = Build.objects.filter(pk=build.pk, attempt=build.attempt, state=State.QUEUED)
    begun.update(state=State.RUNNING, started_at=timezone.now())


def build_fail(build: Build, error: str) -> bool:
    """End this attempt with an error; False where it has ended already."""
    failed = Build.objects.filter(pk=build.pk, attempt=build.attempt, state__in=UNDER_WAY)
    with transaction.atomic():
        changed = failed.update(state=State.FAILED, error=error[:LONGEST_ERROR], finished_at=timezone.now())
        if changed:
            line_write(build=build, text=error[:LONGEST_ERROR], level="error")
    return bool(changed)


def step_done(steps: QuerySet[BuildStep]) -> int:
    """Mark steps as done whose outputs were found in the storage; returns how many were not yet."""
    return steps.filter(state__in=OPEN).update(state=Step.DONE, finished_at=timezone.now(), done=F("total"))


def add_steps(build: Build, steps: Iterable[BuildStep], stored: set[str]) -> None:
    """Add the next steps of a locked build; those whose outputs are there already are done."""
    now = timezone.now()
    rows = list(steps)
    for step in rows:
        if step.output in stored:
            step.state, step.finished_at, step.done = Step.DONE, now, step.total
    # Whoever was quicker has added the same ones.
    BuildStep.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


def steps_lose(build: Build, steps: Sequence[BuildStep], why: str) -> None:
    """Have steps done again whose workers are gone; the build fails where one was lost too often.

    The build is locked, and the steps are as they are now. `why` is what was noticed.
    """
    if not steps:
        return
    for step in steps:
        step.losses += 1
        step.error = added_error(step.error, f"{step.worker or 'nobody known'}: {why}")
        step.state, step.sent_at, step.not_before = Step.WAITING, None, timezone.now()
    fields = ["losses", "error", "state", "sent_at", "not_before"]
    BuildStep.objects.bulk_update(steps, fields, batch_size=BATCH)
    for step in steps[:5]:
        line_write(build=build, text=f"{described(step)}: {why}; done again", level="warning")
    over = next((step for step in steps if step.losses > MOST_LOSSES), None)
    if over is not None:
        build_fail(
            build,
            f"{described(over)}: whoever did it was gone {over.losses} times:\n{over.error}\n"
            f"Look into the log of these workers (memory is the usual reason), then try again: {KEPT}",
        )


def step_failed(build: Build, step: BuildStep, *, error: str, kind: str, worker: str) -> None:
    """Have a step done again later, or fail its locked build, as its kind of error says."""
    told = f"{described(step)}: {error}"
    step.failures += 1
    step.error = added_error(step.error, f"{worker}: {error}")
    allowed = {"passing": len(WAITS), "fault": 1}.get(kind, 0)
    is_last = step.failures > allowed
    step.state = Step.FAILED if is_last else Step.WAITING
    wait = WAITS[min(step.failures, len(WAITS)) - 1]
    step.not_before = timezone.now() + timedelta(seconds=wait)
    step.save()
    if not is_last:
        line_write(build=build, text=f"{told}; tried again in {wait} s", level="warning")
        return
    remedy = {
        "input": "",
        "image": f"\nTake the image out of the data set, or mend it, then try again: {KEPT}",
        "passing": f"\nThis was tried {step.failures} times. Try again once the cause is gone: {KEPT}",
        "fault": f"\nThis is a fault of the program (seen {step.failures} times, last by {worker or 'nobody known'}).",
    }.get(kind, "")
    build_fail(build, (error if kind == "input" else told) + remedy)


def described(step: BuildStep) -> str:
    """Name a step so that people know what it is about."""
    arguments: dict[str, Any] = step.arguments if isinstance(step.arguments, dict) else {}
    if step.kind != Kind.CHUNK:
        return step.name
    start, stop = arguments.get("start"), arguments.get("stop")
    which = f"images {start + 1} to {stop} of " if isinstance(start, int) and isinstance(stop, int) else ""
    return f"{step.name} ({which}{step.condition})"


def added_error(before: str, text: str) -> str:
    """The last errors of a step, a line each."""
    return "\n".join([*before.splitlines()[-9:], text.strip()])[-LONGEST_ERROR:]
