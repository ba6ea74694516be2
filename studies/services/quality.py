"""Holding annotators against the quality rules of their protocol, leaving them out, and taking them back."""

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from studies.models import Assignment, Participation, QualityFinding, Response, Trial, User
from studies.protocol.spec import QualityRule
from studies.quality import RULES, breach_of, is_out_of_reach
from studies.quality.observed import Session
from studies.quality.rules import Measured
from studies.selectors_quality import session_of, trials_planned
from studies.services.audit import audit_write
from studies.services.finishing import participation_finish, participation_lock, participation_reread
from studies.services.places import places_return

State = Participation.State
EXCLUDE = QualityFinding.Action.EXCLUDE


def quality_review(participation: Participation, *, at_end: bool = False) -> None:
    """Write down which rules an annotator breaks by now, and leave them out where a rule says so.

    Findings follow the answers as long as the participation is active: values change, and a rule that is met again has
    none. A rule that excludes does so when all trials are answered (`at_end`); the accuracy on catch trials as soon
    as it can no longer be met. What is measured of the whole is not held against those who were given less of it,
    because places ran out or the study was closed. Previews are not looked at.
    """
    rules = participation.spec.quality
    if not rules or participation.is_preview or participation.state != State.ACTIVE:
        return
    session = session_of(participation)
    is_whole = at_end and _is_whole(participation, session)
    breaches = [(rule, breach_of(rule, session, is_whole=is_whole)) for rule in rules]
    if all(breach is None for _rule, breach in breaches):
        QualityFinding.objects.filter(participation=participation, rule__in=[rule.rule for rule in rules]).delete()
        return
    with transaction.atomic():
        # Somebody who has withdrawn since the answers were read has had everything deleted.
        if participation_lock(participation).state != State.ACTIVE:
            return
        because = _findings_write(participation, breaches, session, at_end=at_end)
        if because:
            participation_exclude(participation, "; ".join(because))


def _findings_write(
    participation: Participation,
    breaches: list[tuple[QualityRule, Measured | None]],
    session: Session,
    *,
    at_end: bool,
) -> list[str]:
    """Write down what was found; return the reasons to leave the annotator out."""
    because = []
    for rule, breach in breaches:
        finding = _write_finding(participation, rule, breach)
        if finding is None or breach is None or finding.action != EXCLUDE:
            continue
        if at_end or _is_lost(participation, rule, session):
            because.append(f"{rule.rule}: {breach.value:.4g}, limit {rule.limit:g}")
    return because


def _write_finding(participation: Participation, rule: QualityRule, breach: Measured | None) -> QualityFinding | None:
    mine = QualityFinding.objects.filter(participation=participation, rule=rule.rule)
    if breach is None:
        mine.delete()
        return None
    # What the rule does is kept from the first time: a readmission has turned it into a flag.
    finding, _ = QualityFinding.objects.update_or_create(
        participation=participation,
        rule=rule.rule,
        defaults={"value": breach.value, "limit": rule.limit},
        create_defaults={"value": breach.value, "limit": rule.limit, "action": rule.action},
    )
    return finding


def _is_whole(participation: Participation, session: Session) -> bool:
    if not any(RULES[rule.rule].is_of_whole for rule in participation.spec.quality):
        return False
    mains = sum(answer.kind == Assignment.Kind.MAIN for answer in session.answers)
    return mains >= trials_planned(participation).mains


def _is_lost(participation: Participation, rule: QualityRule, session: Session) -> bool:
    if rule.rule != "catch_accuracy":
        return False
    return is_out_of_reach(rule, session, len(trials_planned(participation).catches))


@transaction.atomic
def participation_exclude(participation: Participation, because: str, actor: User | None = None) -> bool:
    """Leave an annotator's answers out, and return their places to the pool. False: they were left out before.

    An active participation ends as `failed_checks`; one that has ended keeps its state and its completion code.
    """
    locked = participation_lock(participation)
    if locked.is_excluded:
        return False
    locked.is_excluded = True
    locked.excluded_because = because[:300]
    locked.save(update_fields=["is_excluded", "excluded_because"])
    participation_finish(locked, State.FAILED_CHECKS)
    places_return(locked)
    detail = {"participation": locked.code, "because": locked.excluded_because}
    audit_write(study=locked.study, actor=actor, action="participation_excluded", detail=detail)
    participation_reread(participation)
    return True


@transaction.atomic
def participation_readmit(participation: Participation, actor: User | None = None) -> bool:
    """Take back that an annotator's answers are left out. False: they were not, or the annotator has withdrawn.

    Their answers take places again, also where others have filled them since, so a trial may get more annotators than
    were asked for. Rules that excluded are flags from now on. Whoever was stopped on the way can go on, and whoever had
    come to the end of the trials is completed.
    """
    locked = participation_lock(participation)
    if not locked.is_excluded or locked.state == State.WITHDRAWN:
        return False
    locked.is_excluded = False
    locked.excluded_because = ""
    if locked.state == State.FAILED_CHECKS:
        locked.state, locked.finished_at, locked.completion_code = State.ACTIVE, None, ""
    locked.save(update_fields=["is_excluded", "excluded_because", "state", "finished_at", "completion_code"])
    QualityFinding.objects.filter(participation=locked, action=EXCLUDE).update(action=QualityFinding.Action.FLAG)
    _take_places(locked)
    _practice_return(locked)
    if locked.pages.filter(kind="trials").exists():
        participation_finish(locked, State.COMPLETED)
    detail = {"participation": locked.code}
    audit_write(study=locked.study, actor=actor, action="participation_readmitted", detail=detail)
    participation_reread(participation)
    return True


def _practice_return(participation: Participation) -> None:
    """Give out again what was left of a round of practice: nothing else does, as practice takes no places."""
    participation.assignments.filter(kind=Assignment.Kind.PRACTICE, state=Assignment.State.RELEASED).update(
        state=Assignment.State.LIVE
    )


def _take_places(participation: Participation) -> None:
    """Let assignments count again that were returned; not those that were answered too late."""
    if participation.is_preview:
        return
    too_late = Response.objects.filter(
        assignment=OuterRef("pk"), revision=OuterRef("revision"), given=Response.Given.TIMEOUT
    )
    returned = Assignment.objects.filter(
        ~Exists(too_late), participation=participation, kind=Assignment.Kind.MAIN, is_counted=False
    )
    # Released ones take their place when they are given out again.
    holding = list(returned.exclude(state=Assignment.State.RELEASED).values_list("trial_id", flat=True))
    returned.update(is_counted=True)
    Trial.objects.filter(pk__in=holding).update(assigned=F("assigned") + 1)
