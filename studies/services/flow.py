"""Taking annotators through the pages of a protocol: what the server does between the steps."""

from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from studies.models import PageRecord, Participation, Protocol, Study
from studies.protocol.spec import Page
from studies.selectors import progress_get
from studies.selectors_flow import Step, Verdict, flow_step
from studies.services.finishing import participation_finish, participation_lock, participation_reread
from studies.services.places import live_release, practice_draw
from studies.services.quality import quality_review
from studies.services.staying import is_away, place_keep

State, Source = Participation.State, Participation.Source

# How exactly it is known when an annotator was last there: so that not every request writes.
SEEN_EVERY = timedelta(minutes=1)


def flow_advance(*, participation: Participation) -> Step:
    """Return the annotator's next step, after doing the server's part of the way there.

    The first call starts the participation and pins the protocol; the trials of a practice round are drawn; a finished
    practice and the end of the trials are recorded; with the last page the participation is completed. Calling it
    again changes nothing. `participation` is brought up to date.
    """
    participation_visit(participation)
    while True:
        step = flow_step(participation)
        if participation.protocol is None or participation.state != State.ACTIVE:
            return step
        if step.practice is not None:
            if step.practice.verdict is Verdict.GOES_ON:
                practice_draw(participation, step.practice.round)
                return step
            _practice_end(participation)
        elif step.kind == "trials":
            if not _trials_settle(participation):
                return step
        elif step.kind == "finished":
            participation_finish(participation, State.COMPLETED)
        else:
            return step


def participation_visit(participation: Participation) -> None:
    """Note that an active annotator is here, at most once a minute; the first visit starts the participation.

    From its start a participation keeps its version of the protocol, which is the newest one of that moment. Those who
    have trials from before the study had any protocol go on without one.
    """
    if participation.state != State.ACTIVE or (is_away(participation) and not _come_back(participation)):
        return
    now = timezone.now()
    if participation.started_at is None:
        _start(participation, now)
    elif participation.last_seen_at is None or now - participation.last_seen_at > SEEN_EVERY:
        Participation.objects.filter(pk=participation.pk, state=State.ACTIVE).update(last_seen_at=now)
        participation.last_seen_at = now


@transaction.atomic
def _come_back(participation: Participation) -> bool:
    is_kept = place_keep(participation_lock(participation))
    participation_reread(participation)
    return is_kept


@transaction.atomic
def _start(participation: Participation, now: datetime) -> None:
    locked = participation_lock(participation)
    if locked.started_at is None:
        if not locked.assignments.exists():
            locked.protocol = Protocol.objects.filter(study=locked.study_id).order_by("-version").first()
        locked.started_at = locked.last_seen_at = now
        locked.save(update_fields=["protocol", "started_at", "last_seen_at"])
    participation.protocol = locked.protocol
    participation.started_at, participation.last_seen_at = locked.started_at, locked.last_seen_at


@transaction.atomic
def _practice_end(participation: Participation) -> None:
    """Record a practice that was passed; one that was not passed in the last round ends the participation."""
    locked = participation_lock(participation)
    step = flow_step(locked)
    if step.practice is not None and step.page is not None and step.practice.verdict is not Verdict.GOES_ON:
        stand = step.practice
        is_passed = stand.verdict is Verdict.PASSED
        _record(locked, step.page, rounds=stand.round, correct=stand.correct, passed=is_passed)
        if not is_passed:
            participation_finish(locked, State.FAILED_CHECKS)
    participation_reread(participation)


def trials_settle(participation: Participation) -> None:
    """Record the end of the trials as soon as none is left, for those who never ask for what follows.

    Not where the last answer may be taken back: there it ends with the next step. Takes a participation with study and
    protocol, at the trials.
    """
    if participation.protocol is not None and not participation.spec.trials.undo:
        _trials_settle(participation)


def _trials_settle(participation: Participation) -> bool:
    """End the trials, or the participation, if no trial is left or to come. False: there are more."""
    progress = progress_get(participation)
    if not progress.is_done and participation.study_state != Study.State.CLOSED:
        return False
    if progress.answered > 0:
        _trials_end(participation)
    elif progress.is_done or participation.source != Source.ACCOUNT:
        # Every place is taken by others, or the study was closed before they answered any.
        participation_finish(participation, State.OVER_QUOTA)
        live_release(participation)
    else:
        return False
    return True


@transaction.atomic
def _trials_end(participation: Participation) -> None:
    """Record that the annotator's share of the trials is answered, and hold it against the quality rules."""
    locked = participation_lock(participation)
    step = flow_step(locked)
    if step.kind == "trials" and step.page is not None:
        _record(locked, step.page)
        live_release(locked)
        quality_review(locked, at_end=True)
    participation_reread(participation)


def _record(participation: Participation, page: Page, **answers: object) -> None:
    PageRecord.objects.create(participation=participation, key=page.key, kind=page.kind, uuid=uuid4(), answers=answers)
