"""The last step: the bundle becomes a study, once, whoever tries it and however often."""

import contextlib
import errno
import hashlib
import logging
import os
import secrets
import shutil
import socket
import tempfile
import threading
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from studies.builds.log import line_write
from studies.builds.steps import Kind, State, Step, lock_build, step_failed, steps_of
from studies.builds.storage import STORAGE_ERRORS, open_storage
from studies.bundles.archive import BUILT, unpack_bundle
from studies.bundles.errors import BundleError
from studies.models import Build, BuildStep, Study
from studies.roles import is_researcher
from studies.services.audit import audit_write
from studies.services.imports import RefusedArchiveError, TakenSlugError, bundle_import
from studies.services.lifecycle import LifecycleError
from studies.services.loading import load_bundle

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
REFUSED = (BundleError, RefusedArchiveError, TakenSlugError, LifecycleError)
"""What is wrong with the bundle or the study, and would be so again."""
PASSING = (OperationalError, InterfaceError, IntegrityError)
"""What a database raises that was restarted meanwhile, or where somebody else was quicker."""
OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
"""Errors that a bundle cannot help, also where it seems that it cannot be read."""


class NotNeededError(RuntimeError):
    """The build has ended, or somebody else has loaded the study."""


def build_load(*, key: UUID, attempt: int) -> bool:
    """Load the study of a build that has a bundle; False where there is nothing to load any more.

    The study, its audit entry and the end of the build are one transaction: whoever cancels before it is done leaves
    no study, and whoever comes later is told that the build is done.
    """
    build = Build.objects.filter(key=key, attempt=attempt, state=State.IMPORTING).select_related("owner").first()
    step = None if build is None else _claim(build)
    if build is None or step is None:
        return False
    try:
        with Beating(step), _folder(key) as folder:
            archive = Path(folder) / "bundle.zip"
            open_storage().download(step.output, archive)
            _check(archive, step)
            _load(build, step, archive)
    except NotNeededError as error:
        logger.info("build %s: %s", key, error)
        return False
    except REFUSED as error:
        of_the_disk = _of_the_disk(error)
        if of_the_disk is not None:
            return _failed(build, step, f"the bundle cannot be unpacked: {of_the_disk}", "passing")
        return _failed(build, step, str(error), "input")
    except FileNotFoundError as error:
        return _failed(build, step, f"the bundle is not in the storage ({error})", "passing")
    except (*STORAGE_ERRORS, *PASSING) as error:
        return _failed(build, step, str(error).strip() or type(error).__name__, "passing")
    logger.info("build %s: its study was loaded", key)
    return True


def _folder(key: UUID) -> "tempfile.TemporaryDirectory[str]":
    """Make a folder for one try; what was left by earlier ones, whose processes were killed, is deleted."""
    prefix = f"harmony-build-{key}-"
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=prefix)


def _claim(build: Build) -> BuildStep | None:
    """Take the step, unless somebody does it and gives signs of life."""
    now = timezone.now()
    silent = Q(state=Step.RUNNING, seen_at__lt=now - timedelta(seconds=settings.BUILD_SILENT_SECONDS))
    free = steps_of(build).filter(
        Q(state__in=(Step.SENT, Step.WAITING), not_before__lte=now) | silent, kind=Kind.IMPORT
    )
    worker = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
    claimed = free.update(state=Step.RUNNING, worker=worker, what="loading", started_at=now, seen_at=now)
    return steps_of(build).get(kind=Kind.IMPORT) if claimed else None


def _check(archive: Path, step: BuildStep) -> None:
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != step.arguments["sha256"]:
        raise BundleError(step.output, f"has the SHA-256 {digest}, not the noted one", "try the build again")


def _load(build: Build, step: BuildStep, archive: Path) -> None:
    started = timezone.now()
    with transaction.atomic():
        study = _study(build, archive)
        if study.slug != build.name:
            raise BundleError(step.output, f"holds the study {study.slug!r}, not {build.name!r}", "try the build again")
        audit_write(study=study, actor=build.owner, action="built", detail={"build": str(build.key)})
        now = timezone.now()
        ended = Build.objects.filter(pk=build.pk, attempt=build.attempt, state=State.IMPORTING)
        if not ended.update(state=State.DONE, study=study, finished_at=now, error=""):
            raise NotNeededError("it was cancelled, or somebody else has loaded its study")
        seconds = (now - started).total_seconds()
        steps_of(build).filter(pk=step.pk).update(state=Step.DONE, finished_at=now, seconds=seconds)
        line_write(build=build, text=f"the study {study.slug} is loaded")


def _study(build: Build, archive: Path) -> Study:
    with archive.open("rb") as file:
        if build.owner is not None:
            if not is_researcher(build.owner):
                raise BundleError("owner", "whoever started this build is no researcher any more", "start a new build")
            return bundle_import(archive=file, actor=build.owner, limits=BUILT, within=archive.parent).study
        if not build.trusted:
            raise BundleError("owner", "whoever started this build has no account any more", "start it again")
        folder = archive.with_name("bundle")
        return load_bundle(folder=folder, pictures=unpack_bundle(file, folder, BUILT)).study


def _of_the_disk(error: BaseException | None) -> OSError | None:
    """What the disk of this machine said, where that is behind an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in OF_THE_DISK:
            return error
        error = error.__cause__
    return None


def _failed(build: Build, step: BuildStep, error: str, kind: str) -> bool:
    """Note what went wrong; where the database is down, whoever looks for signs of life finds out."""
    logger.warning("build %s: its study was not loaded: %s", build.key, error)
    with contextlib.suppress(*PASSING), transaction.atomic():
        locked = lock_build(build)
        mine = steps_of(build).filter(pk=step.pk, state=Step.RUNNING, worker=step.worker).first()
        if locked is not None and mine is not None:
            step_failed(locked, mine, error=error, kind=kind, worker=step.worker)
    return False


class Beating:
    """Gives signs of life for a step during the block, from a thread with a database connection of its own."""

    def __init__(self, step: BuildStep, seconds: float = BEAT_SECONDS) -> None:
        self.step = step
        self.seconds = seconds
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._beat, name=f"signs of step {step.pk}", daemon=True)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self.thread.join()

    def _beat(self) -> None:
        try:
            while not self.ended.wait(self.seconds):
                # A database that is busy now answers the next time.
                with contextlib.suppress(*PASSING):
                    mine = BuildStep.objects.filter(pk=self.step.pk, state=Step.RUNNING, worker=self.step.worker)
                    if not mine.update(seen_at=timezone.now()):
                        return
        finally:
            connection.close()
