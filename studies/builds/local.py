"""A build on one machine: the same steps as with workers, given one by one to a child process."""

import logging
import os
import signal
import socket
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType, TracebackType
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from attribution.last_words import LastWords
from studies.builds.child import Child, ChildGoneError
from studies.builds.driving import build_advance
from studies.builds.hearing import events_take
from studies.builds.importing import build_load
from studies.builds.sending import task_of
from studies.builds.starting import is_dead
from studies.builds.steps import Kind, State, Step, build_begin, build_fail, lock_build, steps_lose, steps_of
from studies.builds.storage import STORAGE_ERRORS, write_job, write_marker
from studies.machine_slot import BUILDS, machine_slot
from studies.models import Build, BuildStep
from studies.models.builds import UNDER_WAY

logger = logging.getLogger(__name__)

NO_TORCH = "No module named"
LOOK_SECONDS = 1.0
"""How often the build's row is looked at while a step is done, and the process gives a sign of life."""
PAUSE_SECONDS = 0.2
STORAGE_SECONDS = 5.0
DATABASE_SECONDS = 2.0
ENDED = "The process that did this build was ended from outside. Try again: it goes on from what is finished."


class EndedError(BaseException):
    """Somebody wants this process to end. No Exception, so that nothing on the way takes it for a failure."""


def build_run(*, key: UUID, attempt: int) -> bool:
    """Do a whole build in this process and its child; False where it is somebody else's, or has ended.

    Whoever ends the process by SIGTERM leaves a build that can be tried again.
    """
    build = Build.objects.filter(key=key, attempt=attempt, state__in=UNDER_WAY).first()
    if build is None or not _claim(build):
        return False
    with Recorded(build), _ended_by_signals(), machine_slot(BUILDS, wait=lambda: _beat(build)) as has_place:
        if has_place:
            build_begin(build)
            LocalBuild(build).run()
    return has_place


class Recorded:
    """Marks a build as failed where the block ends with an error, which is raised all the same."""

    def __init__(self, build: Build) -> None:
        self.build = build

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, EndedError):
            build_fail(self.build, ENDED)
        elif error is not None:
            told = "".join(traceback.format_exception_only(error)).strip()
            build_fail(self.build, f"{told}\nThe process that did this build has ended with this fault of the program.")


def _claim(build: Build) -> bool:
    """Say that this process does the build, unless another does."""
    if build.pid is not None and not is_dead(build):
        return False
    mine = Build.objects.filter(pk=build.pk, attempt=build.attempt, state__in=UNDER_WAY, pid=build.pid)
    return bool(mine.update(host=socket.gethostname(), pid=os.getpid(), seen_at=timezone.now()))


def _beat(build: Build) -> bool:
    """Give a sign of life; False where the attempt has ended."""
    mine = Build.objects.filter(pk=build.pk, attempt=build.attempt, state__in=UNDER_WAY, pid=os.getpid())
    return bool(mine.update(seen_at=timezone.now()))


class LocalBuild:
    """The loop of a local build; the child is started with the first step, and again where it dies."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.child: Child | None = None

    def run(self) -> None:
        try:
            while self._go_on():
                pass
        finally:
            self._end_child()

    def _go_on(self) -> bool:
        """Do what comes next; False where the attempt has ended."""
        try:
            if not _beat(self.build) or (present := build_advance(self.build)) is None:
                return False
            self.build = present
            if present.state == State.IMPORTING:
                self._end_child()
                self._import()
            elif (step := self._claimed()) is not None:
                self._do(step)
            else:
                time.sleep(PAUSE_SECONDS)
        except (OperationalError, InterfaceError) as error:
            logger.warning("build %s: the database cannot be reached: %s", self.build.key, error)
            # What the child has told meanwhile is lost; the step is given to a new one, and its output may be there.
            self._end_child()
            connection.close()
            time.sleep(DATABASE_SECONDS)
        return True

    def _import(self) -> None:
        if not build_load(key=self.build.key, attempt=self.build.attempt):
            time.sleep(PAUSE_SECONDS)

    def _claimed(self) -> BuildStep | None:
        now = timezone.now()
        with transaction.atomic():
            if lock_build(self.build) is None:
                return None
            # What a process before this one was about is done again; its output may be there.
            steps = steps_of(self.build).exclude(kind=Kind.IMPORT)
            step = steps.exclude(state=Step.DONE).filter(not_before__lte=now).order_by("pk").first()
            if step is not None:
                step.state, step.sent_at = Step.SENT, now
                step.save(update_fields=["state", "sent_at"])
        return step

    def _do(self, step: BuildStep) -> None:
        try:
            if step.kind == Kind.PLAN or step.failures:
                write_job(self.build)
        except STORAGE_ERRORS as error:
            logger.warning("build %s: the storage cannot be written: %s", self.build.key, error)
            again = timezone.now() + timedelta(seconds=STORAGE_SECONDS)
            steps_of(self.build).filter(pk=step.pk).update(state=Step.WAITING, not_before=again)
            return
        try:
            if self.child is None:
                self.child = Child()
        except OSError as error:
            build_fail(self.build, f"no process can be started on this machine: {error}")
            return
        try:
            self._watch(self.child, step)
        except ChildGoneError as error:
            word = LastWords(self.child.work).read(str(self.build.key), self.build.attempt, step.name)
            self.child = None
            self._lost(step, str(error) if word is None else f"{error}\nIt was ended in: {word}")

    def _watch(self, child: Child, step: BuildStep) -> None:
        """Give a step to the child, and take in what it tells until the step has ended."""
        child.give(*task_of(self.build, step))
        beaten = heard = time.monotonic()
        while True:
            told = child.next(LOOK_SECONDS / 2)
            now = time.monotonic()
            if told is not None:
                heard = now
                events_take(events=told.get("events", []))
                if told.get("ended") == step.name:
                    self._settle(step)
                    return
            elif now - heard > settings.BUILD_SILENT_SECONDS:
                child.process.kill()
            if now - beaten >= LOOK_SECONDS:
                beaten = now
                if not _beat(self.build):
                    self._stop(child)
                    return

    def _settle(self, step: BuildStep) -> None:
        """A step that has ended without a word about how is lost."""
        with transaction.atomic():
            locked = lock_build(self.build)
            silent = steps_of(self.build).filter(pk=step.pk, state__in=(Step.SENT, Step.RUNNING))
            if locked is not None:
                steps_lose(locked, list(silent), "it ended, and did not say how")

    def _stop(self, child: Child) -> None:
        """The attempt has ended while a step is done: the child is told, and then ended."""
        try:
            write_marker(self.build, self.build.attempt)
        except STORAGE_ERRORS as error:
            logger.warning("build %s: the storage cannot be written: %s", self.build.key, error)
        child.end()
        self.child = None

    def _lost(self, step: BuildStep, why: str) -> None:
        if NO_TORCH in why:
            build_fail(
                self.build,
                f"{why}\nBuilds on this machine need torch: install it with bin/install all, or have builds done by "
                "workers (HARMONY_BUILD_WORKER=true, docs/builds.md).",
            )
            return
        with transaction.atomic():
            locked = lock_build(self.build)
            mine = steps_of(self.build).filter(pk=step.pk).exclude(state=Step.DONE)
            if locked is not None:
                steps_lose(locked, list(mine), why)

    def _end_child(self) -> None:
        if self.child is not None:
            self.child.end()
            self.child = None


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        raise EndedError(f"ended by signal {number}")

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
