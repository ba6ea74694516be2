"""Asking for reports, and what becomes of the asking: who may compute, how far it is, how it ended.

Every change is one statement that names the run, its attempt and the state that it must be in; if it changes no row,
somebody else was first. Nothing here computes, and nothing imports what computes.
"""

import os
import socket
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from analysis.models import ReportRun
from analysis.run_files import folder_of, is_there, remove_others, write_files
from analysis.starting import CannotStartError, start_computing
from analysis.versions import DataState, data_state
from studies.media import folder_delete
from studies.models import Study

State = ReportRun.State
Failure = ReportRun.Failure
SEED = 0
"""The seed of the reports on the pages."""
UNDER_WAY = (State.QUEUED, State.RUNNING)
BEAT_SECONDS = 5.0
"""How often whoever computes gives a sign of life."""
SILENT_SECONDS = 60.0
"""For how long no sign may come before the process is taken for dead."""
QUEUED_SECONDS = {"process": 60.0, "celery": 600.0}
"""For how long a run may wait to be begun before it may be asked for again."""


class NothingToReportError(ValueError):
    """There are no answers to report on."""


class SupersededError(RuntimeError):
    """The run was given to somebody else meanwhile, or is not needed any more."""


def run_request(*, study: Study, seed: int = SEED) -> ReportRun:
    """Have the report of a study computed as its data are now, in the background; returns the run that will be it.

    That is the finished run where nothing has changed since, or the one that is under way, also of earlier data: it
    reads the data when it begins. A failed or dead one is begun again. Raises NothingToReportError without answers.
    """
    data = data_state(study)
    if not data.answers:
        raise NothingToReportError("nobody has answered a trial yet")
    runs = ReportRun.objects.filter(study=study, seed=seed)
    try:
        with transaction.atomic():
            same = runs.filter(version=data.version).first()
            if same is not None and same.state == State.DONE and is_there(same):
                return same
            active = runs.filter(state__in=UNDER_WAY).first()
            if active is not None:
                if not is_dead(active):
                    return active
                run_fail(run=active, failure=Failure.STOPPED)
                same = active if same is None or active.pk == same.pk else same
            run = _queued(study, seed, data, same)
            transaction.on_commit(lambda: _start(run))
            return run
    except IntegrityError:
        # Somebody else has asked in the same moment, and the constraint let one of the two through.
        theirs = runs.filter(state__in=UNDER_WAY).first() or runs.filter(version=data.version).first()
        if theirs is None:
            raise
        return theirs


def is_dead(run: ReportRun) -> bool:
    """Whether a run that is under way will not end by itself: its process is gone or silent, or it was never begun."""
    now = timezone.now()
    if run.state == State.QUEUED:
        return now - run.requested_at > timedelta(seconds=QUEUED_SECONDS[settings.REPORTS])
    if run.state != State.RUNNING:
        return False
    if run.host == socket.gethostname() and run.pid is not None and not _is_alive(run.pid):
        return True
    return run.seen_at is None or now - run.seen_at > timedelta(seconds=SILENT_SECONDS)


def run_wait(*, run_id: int, attempt: int) -> bool:
    """Say that somebody will begin the run as soon as there is a place; False where it is not to be begun any more."""
    waiting = ReportRun.objects.filter(pk=run_id, attempt=attempt, state=State.QUEUED)
    return bool(waiting.update(requested_at=timezone.now()))


def run_start(*, run_id: int, attempt: int) -> ReportRun | None:
    """Begin a run that was asked for; None where it is not to be begun (any more).

    An attempt whose process died is begun again by whoever is given it a second time, as queues do.
    """
    run = ReportRun.objects.select_related("study").filter(pk=run_id, attempt=attempt, state__in=UNDER_WAY).first()
    if run is None or (run.state == State.RUNNING and not is_dead(run)):
        return None
    now = timezone.now()
    begun = ReportRun.objects.filter(pk=run_id, attempt=attempt, state=run.state, seen_at=run.seen_at)
    changed = begun.update(
        state=State.RUNNING,
        # Whoever had this attempt before writes nothing any more.
        attempt=attempt + (run.state == State.RUNNING),
        host=socket.gethostname(),
        pid=os.getpid(),
        started_at=now,
        seen_at=now,
    )
    if not changed:
        return None
    run.refresh_from_db()
    return run


def run_set_data(*, run: ReportRun, data: DataState) -> None:
    """Note of which data the run is, once they are read: they may have changed since it was asked for.

    Raises SupersededError where the report of these data is there already; the run is then gone.
    """
    others = ReportRun.objects.filter(study=run.study_id, seed=run.seed, version=data.version).exclude(pk=run.pk)
    other = others.first()
    if other is not None and other.state == State.DONE and is_there(other):
        _mine(run).delete()
        raise SupersededError(f"report {run.pk}: the report of these data is there already")
    with transaction.atomic():
        others.delete()
        changed = _mine(run).update(version=data.version, answers=data.answers, withdrawn=data.withdrawn)
    if not changed:
        raise SupersededError(f"report {run.pk}: somebody else computes it")
    run.refresh_from_db()


def run_progress(*, run: ReportRun, stage: str, fraction: float) -> None:
    """Tell how far a run is. Raises SupersededError where it is somebody else's by now."""
    now = timezone.now()
    if not _mine(run).update(stage=stage, fraction=min(max(fraction, 0.0), 1.0), seen_at=now):
        raise SupersededError(f"report {run.pk}: somebody else computes it")


def run_beat(*, run: ReportRun) -> bool:
    """Give a sign of life; False where the run is somebody else's by now."""
    return bool(_mine(run).update(seen_at=timezone.now()))


def run_finish(*, run: ReportRun, files: Mapping[str, bytes]) -> None:
    """Keep the files of a report, and drop those of earlier ones.

    Raises SupersededError where the run is somebody else's, or where somebody withdrew while it was computed: their
    answers are in these files, which are then not kept.
    """
    folder = folder_of(run)
    # After a database was restored, keys come a second time.
    folder_delete(folder)
    try:
        listed = write_files(files, folder)
    except OSError:
        folder_delete(folder)
        raise
    fields: dict[str, Any] = {"folder": folder, "files": listed, "fraction": 1.0, "finished_at": timezone.now()}
    is_kept = data_state(run.study).withdrawn == run.withdrawn
    if not is_kept:
        run_fail(run=run, failure=Failure.STOPPED, error="somebody withdrew while the report was computed")
    elif _mine(run).update(state=State.DONE, **fields):
        run.refresh_from_db()
        _remove_earlier(run)
        return
    _remove_folders(run.study)
    raise SupersededError(f"report {run.pk}: its files are not kept")


def run_fail(*, run: ReportRun, failure: str, error: str = "") -> bool:
    """Note that a run has failed; False where it is somebody else's by now."""
    failed = ReportRun.objects.filter(pk=run.pk, attempt=run.attempt, state__in=UNDER_WAY)
    return bool(failed.update(state=State.FAILED, failure=failure, error=error, finished_at=timezone.now()))


def _queued(study: Study, seed: int, data: DataState, again: ReportRun | None) -> ReportRun:
    """A new run, or an earlier one once more. Raises IntegrityError where somebody else was first."""
    if again is None:
        return ReportRun.objects.create(study=study, seed=seed, version=data.version)
    fresh: dict[str, Any] = {
        "version": data.version,
        "state": State.QUEUED,
        "attempt": again.attempt + 1,
        "requested_at": timezone.now(),
        "fraction": 0.0,
        "files": [],
        "pid": None,
        "started_at": None,
        "seen_at": None,
        "finished_at": None,
        **dict.fromkeys(("stage", "failure", "error", "host", "folder"), ""),
    }
    if not ReportRun.objects.filter(pk=again.pk, attempt=again.attempt).exclude(state__in=UNDER_WAY).update(**fresh):
        raise IntegrityError("somebody else has asked for it again")
    again.refresh_from_db()
    return again


def _start(run: ReportRun) -> None:
    try:
        start_computing(run)
    except CannotStartError as error:
        run_fail(run=run, failure=Failure.STOPPED, error=str(error))


def _mine(run: ReportRun) -> Any:
    return ReportRun.objects.filter(pk=run.pk, attempt=run.attempt, state=State.RUNNING)


def _remove_earlier(run: ReportRun) -> None:
    earlier = ReportRun.objects.filter(study=run.study_id, seed=run.seed).exclude(pk=run.pk)
    earlier.exclude(state__in=UNDER_WAY).delete()
    _remove_folders(run.study)


def _remove_folders(study: Study) -> None:
    """Delete the folders that no finished run has and no running one is filling."""
    runs = ReportRun.objects.filter(study=study).select_related("study")
    kept = {run.folder for run in runs if run.state == State.DONE}
    remove_others(study, kept | {folder_of(run) for run in runs if run.state in UNDER_WAY})


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
