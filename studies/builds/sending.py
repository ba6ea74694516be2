"""Waiting steps are given to the workers: claimed in the database first, then sent."""

import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from studies.builds import broker
from studies.builds.broker import BrokerDownError, Message
from studies.builds.steps import Kind, Step, lock_build, steps_of
from studies.builds.storage import STORAGE_ERRORS, write_job
from studies.models import Build, BuildStep

logger = logging.getLogger(__name__)

FEWEST_AT_ONCE, MOST_AT_ONCE = 32, 2000
RECENT = timedelta(seconds=30)


def steps_send(build: Build) -> int:
    """Send the steps of a build that can be done now; returns how many.

    As many chunks are under way as were done in the last minute, at least 32 and at most 2,000: a queue that is longer
    would let other builds wait behind it. Where storage or broker are down the steps stay waiting.
    """
    claimed = _claim(build)
    if not claimed:
        return 0
    sent = 0
    try:
        # Where a step has failed the storage may be the reason: then it is not tried again before it can be written.
        if any(step.kind == Kind.PLAN or step.failures for step in claimed):
            write_job(build)
        broker.publish(message_of(build, step) for step in claimed)
        sent = len(claimed)
    except BrokerDownError as error:
        sent = error.sent
        logger.warning("build %s: %s; %s steps wait for it", build.key, error, len(claimed) - sent)
    except STORAGE_ERRORS as error:
        logger.warning("build %s: the storage cannot be written: %s", build.key, error)
    finally:
        _unclaim(claimed[sent:])
    return sent


def message_of(build: Build, step: BuildStep) -> Message:
    """The task that does a step."""
    if step.kind == Kind.IMPORT:
        return broker.DEFAULT, broker.LOAD, {"build": str(build.key), "attempt": build.attempt}
    return broker.GPU, *task_of(build, step)


def task_of(build: Build, step: BuildStep) -> tuple[str, dict[str, Any]]:
    """The name and the arguments of the worker's task for a step."""
    known = {"build": str(build.key), "attempt": build.attempt, "step": step.name, "output": step.output}
    return f"attribution.{step.kind}", {**step.arguments, **known}


def _claim(build: Build) -> list[BuildStep]:
    now = timezone.now()
    with transaction.atomic():
        locked = lock_build(build)
        if locked is None:
            return []
        ready = steps_of(locked).filter(state=Step.WAITING, not_before__lte=now).order_by("pk")
        claimed = list(ready.exclude(kind=Kind.CHUNK))
        room = _room(locked)
        if room > 0:
            claimed += ready.filter(kind=Kind.CHUNK)[:room]
        for step in claimed:
            step.sent_at = now
        BuildStep.objects.filter(pk__in=[step.pk for step in claimed]).update(state=Step.SENT, sent_at=now)
    return claimed


def _room(build: Build) -> int:
    chunks = steps_of(build).filter(kind=Kind.CHUNK)
    if not chunks.filter(state=Step.WAITING).exists():
        return 0
    recent = chunks.filter(state=Step.DONE, finished_at__gte=timezone.now() - RECENT, sent_at__isnull=False).count()
    under_way = chunks.filter(state__in=(Step.SENT, Step.RUNNING)).count()
    return min(MOST_AT_ONCE, max(FEWEST_AT_ONCE, 2 * recent)) - under_way


def _unclaim(steps: list[BuildStep]) -> None:
    """Let steps wait again that were claimed and not sent, unless something was heard of them meanwhile."""
    if steps:
        claimed = BuildStep.objects.filter(
            pk__in=[step.pk for step in steps], state=Step.SENT, sent_at=steps[0].sent_at
        )
        claimed.update(state=Step.WAITING, sent_at=None)
