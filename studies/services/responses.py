"""Recording answers, exactly once."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from studies.json_values import json_fault
from studies.models import Assignment, Participation, Response, Study, Trial, User
from studies.selectors import last_answered
from studies.trial_types import trial_type

LARGEST_TIMING = 8 * 1024


class Outcome(Enum):
    """What became of an answer. Everything but the first two is a conflict: nothing was stored."""

    STORED = "stored"
    STORED_BEFORE = "stored_before"
    ANSWERED = "answered"
    FINAL = "final"

    @property
    def detail(self) -> str:
        return {
            Outcome.STORED: _("The answer is stored."),
            Outcome.STORED_BEFORE: _("This very answer was stored before."),
            Outcome.ANSWERED: _("The assignment already has another answer at this revision."),
            Outcome.FINAL: _("The answer to this assignment may not be changed any more."),
        }[self]


@dataclass(frozen=True)
class Recorded:
    """The outcome, and the annotator's part in the study."""

    outcome: Outcome
    participation: Participation


class UnknownAssignmentError(LookupError):
    """There is no assignment with this token among the annotator's."""


class InvalidAnswerError(ValueError):
    """An answer that is malformed; `errors` maps a field to what is wrong with it."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {error}" for field, error in errors.items()))
        self.errors = dict(errors)


class _ReleasedMeanwhileError(Exception):
    """The assignment went back to the pool between two statements; try once more, with the study locked."""


def response_record(
    *,
    annotator: User,
    token: str,
    uuid: UUID,
    revision: int,
    choice: str,
    rt_ms: float,
    timing: Mapping[str, Any],
) -> Recorded:
    """Store an annotator's answer (`left`, `right` or `neither`) to one of their assignments.

    - Revision 1 answers the assignment; the same answer sent again is found by its `uuid` and changes nothing.
    - Revision n + 1 replaces revision n, only where the study allows undo, and only for the assignment that this
      annotator answered last.
    - An assignment that was given out keeps its right to an answer: in a paused or closed study (which gives out
      nothing new), and after it was released to the pool. A late answer counts, and takes its place again.
    - The database holds one row per (assignment, revision) and one per uuid; the insert decides, not a look before.

    Raises UnknownAssignmentError for a token that is not the annotator's, InvalidAnswerError for a malformed answer.
    """
    try:
        return _record(annotator, token, uuid, revision, choice, rt_ms, timing, lock_study=False)
    except _ReleasedMeanwhileError:
        return _record(annotator, token, uuid, revision, choice, rt_ms, timing, lock_study=True)


@transaction.atomic
def _record(
    annotator: User,
    token: str,
    uuid: UUID,
    revision: int,
    choice: str,
    rt_ms: float,
    timing: Mapping[str, Any],
    *,
    lock_study: bool,
) -> Recorded:
    mine = Assignment.objects.filter(token=token, participation__annotator=annotator)
    if lock_study:
        # Draws lock the study first as well, so the two cannot wait for each other.
        study = mine.values("participation__study")
        Study.objects.select_for_update(no_key=True).filter(pk__in=study).first()
    # The participation is locked so that "answered last" holds until the end of the transaction.
    locked = mine.select_for_update(no_key=True, of=("self", "participation"))
    assignment = locked.select_related("participation__study", "trial").first()
    if assignment is None:
        raise UnknownAssignmentError(token)
    if assignment.state == Assignment.State.RELEASED and not lock_study:
        raise _ReleasedMeanwhileError
    _validate(assignment, revision, choice, rt_ms, timing)
    outcome = _outcome_of_insert(assignment, uuid, revision, choice, rt_ms, timing)
    return Recorded(outcome, assignment.participation)


def _outcome_of_insert(
    assignment: Assignment, uuid: UUID, revision: int, choice: str, rt_ms: float, timing: Mapping[str, Any]
) -> Outcome:
    if revision > assignment.revision:
        if revision > assignment.revision + 1:
            revisions = {"next": assignment.revision + 1, "given": revision}
            raise InvalidAnswerError({"revision": _("the next revision is %(next)s, not %(given)s") % revisions})
        if revision > 1 and not _may_change(assignment):
            return Outcome.FINAL
        try:
            with transaction.atomic():
                _insert(assignment, uuid, revision, choice, rt_ms, timing)
        except IntegrityError:
            # The constraint decided: this uuid or this revision is there already.
            return _outcome_of_stored(assignment, uuid, revision, choice)
        return Outcome.STORED
    return _outcome_of_stored(assignment, uuid, revision, choice)


def _outcome_of_stored(assignment: Assignment, uuid: UUID, revision: int, choice: str) -> Outcome:
    stored = Response.objects.filter(assignment=assignment, revision=revision, uuid=uuid, given=choice)
    return Outcome.STORED_BEFORE if stored.exists() else Outcome.ANSWERED


def _may_change(assignment: Assignment) -> bool:
    if not assignment.participation.study.allow_undo:
        return False
    last = last_answered(assignment.participation)
    return last is not None and last.pk == assignment.pk


def _insert(
    assignment: Assignment, uuid: UUID, revision: int, choice: str, rt_ms: float, timing: Mapping[str, Any]
) -> None:
    now = timezone.now()
    translated = trial_type(assignment.trial.trial_type).translate(choice, assignment.side)
    Response.objects.create(
        assignment=assignment,
        revision=revision,
        uuid=uuid,
        given=choice,
        choice=translated,
        rt_ms=rt_ms,
        timing=dict(timing),
        created_at=now,
    )
    if assignment.state == Assignment.State.RELEASED:
        Trial.objects.filter(pk=assignment.trial_id).update(assigned=F("assigned") + 1)
    assignment.state = Assignment.State.ANSWERED
    assignment.revision = revision
    assignment.answered_at = now
    assignment.save(update_fields=["state", "revision", "answered_at"])


def _validate(assignment: Assignment, revision: int, choice: str, rt_ms: float, timing: Mapping[str, Any]) -> None:
    errors = {}
    if revision < 1:
        errors["revision"] = _("revisions count from 1")
    options = trial_type(assignment.trial.trial_type).options(assignment.participation.study)
    if choice not in options:
        offered = {"choice": repr(choice), "options": ", ".join(options)}
        errors["choice"] = _("%(choice)s is not offered; choose one of %(options)s") % offered
    # However long it is: a tab left open overnight is no reason to lose the answer.
    if not math.isfinite(rt_ms) or rt_ms < 0:
        errors["rt_ms"] = _("a reaction time is a finite number of milliseconds, 0 or more")
    fault = json_fault(timing)
    if fault is not None:
        errors["timing"] = fault
    elif len(json.dumps(timing)) > LARGEST_TIMING:
        errors["timing"] = _("more than %(most)s characters as JSON") % {"most": LARGEST_TIMING}
    if errors:
        raise InvalidAnswerError(errors)
