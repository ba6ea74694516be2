"""Recording answers, exactly once."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypedDict
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from studies.counts import responses_count
from studies.models import Assignment, Participation, Response, Study, User
from studies.prepared import Prepared
from studies.quality.observed import is_expected
from studies.selectors import undoable
from studies.selectors_flow import trials_hindrance
from studies.services.answers import Answer, InvalidAnswerError, answer_validate
from studies.services.places import place_settle
from studies.services.plausibility import implausible_times
from studies.trial_types import trial_type

State = Assignment.State

# Nothing of theirs is used, and what they had in hand went to others.
SENT_AWAY = frozenset(Participation.State) - {Participation.State.ACTIVE, Participation.State.COMPLETED}


class Outcome(Enum):
    """What became of an answer. Everything but the first two is a conflict: nothing was stored."""

    STORED = "stored"
    STORED_BEFORE = "stored_before"
    ANSWERED = "answered"
    FINAL = "final"
    ENDED = "ended"

    @property
    def detail(self) -> str:
        return {
            Outcome.STORED: _("The answer is stored."),
            Outcome.STORED_BEFORE: _("This very answer was stored before."),
            Outcome.ANSWERED: _("The assignment already has another answer at this revision."),
            Outcome.FINAL: _("The answer to this assignment may not be changed any more."),
            Outcome.ENDED: _("Your part in this study has ended; the answer is not kept."),
        }[self]


class Feedback(TypedDict):
    """What an annotator is told after a practice trial."""

    correct: bool
    text: str


@dataclass(frozen=True)
class Recorded:
    """The outcome, the annotator's part in the study, and after a practice trial whether the answer was right."""

    outcome: Outcome
    participation: Participation
    feedback: Feedback | None = None


class UnknownAssignmentError(LookupError):
    """There is no assignment with this token among the annotator's."""


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
    confidence: int | None = None,
    reason: str = "",
) -> Recorded:
    """Store an annotator's answer to one of their assignments: one of the protocol's options, or `timeout`.

    - Revision 1 answers the assignment; the same answer sent again is found by its `uuid` and changes nothing.
    - Revision n + 1 replaces revision n, only where the protocol allows undo, only for the assignment that this
      annotator answered last, not after `timeout` or in practice, and not once the trials are over.
    - An assignment that was given out keeps its right to an answer: in a paused or closed study (which gives out
      nothing new), and after it was released to the pool. A late answer counts, and takes its place again.
    - `timeout`, where the protocol has a time limit, gives the place back to the pool.
    - Whoever has withdrawn or was sent away leaves no more answers; those who are done may still send what they have.
    - The database holds one row per (assignment, revision) and one per uuid; the insert decides, not a look before.

    Quality rules are not looked at here, but with the next draw: the reply must take as long for every trial.

    Raises UnknownAssignmentError for a token that is not the annotator's, InvalidAnswerError for a malformed answer.
    """
    answer = Answer(uuid, revision, choice, rt_ms, timing, confidence, reason)
    try:
        recorded = _record(annotator, token, answer, lock_study=False)
    except _ReleasedMeanwhileError:
        recorded = _record(annotator, token, answer, lock_study=True)
    if recorded.outcome is Outcome.STORED and not recorded.participation.is_preview:
        responses_count(recorded.participation.study.slug)
    return recorded


# The participation is locked so that "answered last" holds until the end of the transaction; and before the assignment,
# in the order in which `of` names them, as by draws and withdrawals, so that none waits for another in a circle.
_LOCKED = Prepared(
    lambda annotator, token: (
        Assignment.objects.filter(token=token, participation__annotator=annotator)
        .select_for_update(no_key=True, of=("participation", "self"))
        .select_related("participation__study", "participation__protocol", "trial")
    ),
    annotator=int,
    token=str,
)


@transaction.atomic
def _record(annotator: User, token: str, answer: Answer, *, lock_study: bool) -> Recorded:
    if lock_study:
        # Draws lock the study first as well, so the two cannot wait for each other.
        mine = Assignment.objects.filter(token=token, participation__annotator=annotator)
        study = mine.values("participation__study")
        Study.objects.select_for_update(no_key=True).filter(pk__in=study).first()
    assignment = _LOCKED.first(annotator=annotator.pk, token=token)
    if assignment is None:
        raise UnknownAssignmentError(token)
    if assignment.state == State.RELEASED and not lock_study:
        raise _ReleasedMeanwhileError
    participation = assignment.participation
    if participation.state in SENT_AWAY and answer.revision > assignment.revision:
        return Recorded(Outcome.ENDED, participation)
    answer_validate(answer, trial_type=trial_type(assignment.trial.trial_type), spec=participation.spec)
    outcome = _outcome_of_insert(assignment, answer)
    is_told = assignment.kind == Assignment.Kind.PRACTICE and outcome in (Outcome.STORED, Outcome.STORED_BEFORE)
    return Recorded(outcome, participation, _feedback(assignment, answer) if is_told else None)


def _outcome_of_insert(assignment: Assignment, answer: Answer) -> Outcome:
    if answer.revision > assignment.revision:
        if answer.revision > assignment.revision + 1:
            revisions = {"next": assignment.revision + 1, "given": answer.revision}
            raise InvalidAnswerError({"revision": _("the next revision is %(next)s, not %(given)s") % revisions})
        if answer.revision > 1 and not _may_change(assignment):
            return Outcome.FINAL
        try:
            with transaction.atomic():
                _insert(assignment, answer)
        except IntegrityError:
            # The constraint decided: this uuid or this revision is there already.
            return _outcome_of_stored(assignment, answer)
        return Outcome.STORED
    return _outcome_of_stored(assignment, answer)


def _outcome_of_stored(assignment: Assignment, answer: Answer) -> Outcome:
    stored = Response.objects.filter(
        assignment=assignment,
        revision=answer.revision,
        uuid=answer.uuid,
        given=answer.choice,
        confidence=answer.confidence,
        reason=answer.reason,
    )
    return Outcome.STORED_BEFORE if stored.exists() else Outcome.ANSWERED


def _may_change(assignment: Assignment) -> bool:
    if trials_hindrance(assignment.participation) is not None:
        return False
    last = undoable(assignment.participation)
    return last is not None and last.pk == assignment.pk


def _insert(assignment: Assignment, answer: Answer) -> None:
    now = timezone.now()
    Response.objects.create(
        assignment=assignment,
        revision=answer.revision,
        uuid=answer.uuid,
        given=answer.choice,
        choice=_translated(assignment, answer),
        confidence=answer.confidence,
        reason=answer.reason,
        rt_ms=answer.rt_ms,
        timing=dict(answer.timing),
        flags=implausible_times(
            rt_ms=answer.rt_ms,
            timing=answer.timing,
            is_timeout=answer.is_timeout,
            issued_at=assignment.issued_at,
            received_at=now,
            settings=assignment.participation.spec.trials,
        ),
        created_at=now,
    )
    place_settle(assignment, is_timeout=answer.is_timeout)
    assignment.state = State.ANSWERED
    assignment.revision = answer.revision
    assignment.answered_at = now
    assignment.save(update_fields=["state", "revision", "answered_at", "is_counted"])


def _translated(assignment: Assignment, answer: Answer) -> str:
    return trial_type(assignment.trial.trial_type).translate(answer.choice, assignment.side)


def _feedback(assignment: Assignment, answer: Answer) -> Feedback:
    trial = assignment.trial
    text = trial.feedback
    if not text and trial.decoy_id is not None:
        with override(assignment.participation.spec.language or get_language()):
            text = _("One of the two maps was cut into pieces and put together at random. The other one is right.")
    return {"correct": is_expected(_translated(assignment, answer), trial.expected), "text": text}
