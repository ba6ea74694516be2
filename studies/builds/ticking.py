"""Looking after builds: what is lost is found, what waits is sent, whoever need not go on is told."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from studies.builds import broker
from studies.builds.broker import BrokerDownError
from studies.builds.driving import build_advance, build_look
from studies.builds.hearing import events_take
from studies.builds.sending import steps_send
from studies.builds.steps import SENT_OUT, Kind, Step, lock_build, step_done, steps_lose, steps_of
from studies.builds.storage import STORAGE_ERRORS, stored_of, write_marker
from studies.models import Build, BuildStep
from studies.models.builds import UNDER_WAY

logger = logging.getLogger(__name__)

SILENT = "no sign of life for {seconds:.0f} s"


def builds_tick() -> int:
    """Look after every build that workers do; returns how many there are."""
    builds = list(Build.objects.filter(state__in=UNDER_WAY, host="").order_by("pk"))
    unsent_are_lost = _queues_are_empty(builds)
    for build in builds:
        build_tick(build, unsent_are_lost)
    builds_mark_ended()
    return len(builds)


def build_tick(build: Build, unsent_are_lost: Sequence[str] = ()) -> None:
    """Look after one build; `unsent_are_lost` are the kinds of steps of which nothing waits in their queue."""
    try:
        look_if_quiet(build)
        steps_recover(build, unsent_are_lost)
    except STORAGE_ERRORS as error:
        logger.warning("build %s: the storage cannot be read: %s", build.key, error)
    build_drive(build)


def build_drive(build: Build) -> None:
    """Add the steps that can be added, and send those that can be done."""
    present = build_advance(build)
    if present is not None and not present.host:
        steps_send(present)


def heard(events: object) -> None:
    """Take in what workers tell, and go on with the builds that it is about."""
    for build in events_take(events=events):
        build_drive(build)


def look_if_quiet(build: Build) -> None:
    """Look into the storage where nothing was heard of a build for a while: all that was told may be lost."""
    now = timezone.now()
    quiet = Build.objects.annotate(heard_at=Coalesce("seen_at", "requested_at"))
    quiet = quiet.filter(pk=build.pk, attempt=build.attempt, state__in=UNDER_WAY)
    quiet = quiet.filter(heard_at__lt=now - timedelta(seconds=settings.BUILD_LOOK_SECONDS))
    # Of several who notice, one looks.
    if quiet.update(seen_at=now):
        build_look(build)


def steps_recover(build: Build, unsent_are_lost: Sequence[str] = ()) -> None:
    """Have steps done again that nobody does any more, except those whose outputs are there.

    Raises OSError where the storage is down.
    """
    now = timezone.now()
    silent = Q(state=Step.RUNNING, seen_at__lt=now - timedelta(seconds=settings.BUILD_SILENT_SECONDS))
    unsent = Q(state=Step.SENT, sent_at__lt=now - timedelta(seconds=settings.BUILD_UNSENT_SECONDS))
    lost = steps_of(build).filter(silent | (unsent & Q(kind__in=unsent_are_lost)))
    outputs = dict(lost.exclude(kind=Kind.IMPORT).values_list("pk", "output"))
    if not outputs and not lost.filter(kind=Kind.IMPORT).exists():
        return
    stored = stored_of(set(outputs.values()))
    found = [key for key, output in outputs.items() if output in stored]
    with transaction.atomic():
        locked = lock_build(build)
        if locked is None:
            return
        step_done(steps_of(locked).filter(pk__in=found))
        # A message that was lost is nobody's fault, and no loss.
        again = steps_of(locked).filter(unsent, kind__in=unsent_are_lost)
        again.update(state=Step.WAITING, sent_at=None)
        why = SILENT.format(seconds=settings.BUILD_SILENT_SECONDS)
        steps_lose(locked, list(steps_of(locked).filter(silent)), why)


def builds_mark_ended() -> None:
    """Tell the workers of attempts that have ended before their steps did; steps that were sent are then nobody's."""
    left = BuildStep.objects.filter(state__in=SENT_OUT)
    ended = left.filter(Q(attempt__lt=F("build__attempt")) | ~Q(build__state__in=UNDER_WAY))
    attempts = set(ended.order_by().values_list("build", "attempt"))
    builds = Build.objects.in_bulk([key for key, _ in attempts])
    for key, attempt in sorted(attempts):
        if key not in builds:
            continue
        try:
            write_marker(builds[key], attempt)
        except STORAGE_ERRORS as error:
            logger.warning("build %s: the storage cannot be written: %s", builds[key].key, error)
            return
        with transaction.atomic():
            now = Build.objects.select_for_update(no_key=True).filter(pk=key).first()
            theirs = left.filter(build=key, attempt=attempt)
            if now is not None and now.attempt > attempt:
                theirs.delete()
            elif now is not None and not now.is_under_way:
                theirs.update(state=Step.WAITING)


def _queues_are_empty(builds: Sequence[Build]) -> list[str]:
    """The kinds of steps whose queue is empty: one question for each queue that an overdue step waits in."""
    overdue = timezone.now() - timedelta(seconds=settings.BUILD_UNSENT_SECONDS)
    sent = BuildStep.objects.filter(build__in=builds, attempt=F("build__attempt"), state=Step.SENT)
    kinds = set(sent.filter(sent_at__lt=overdue).order_by().values_list("kind", flat=True).distinct())
    queues = {kind: broker.DEFAULT if kind == Kind.IMPORT else broker.GPU for kind in kinds}
    try:
        empty = {queue for queue in set(queues.values()) if broker.queue_is_empty(queue)}
    except BrokerDownError as error:
        logger.warning("builds: %s", error)
        return []
    return [kind for kind, queue in queues.items() if queue in empty]
