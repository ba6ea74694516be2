"""Reads: what quality rules look at."""

from django.db.models import F

from studies.draws.plan import Plan, plan_of
from studies.models import Assignment, Participation, Response
from studies.quality.observed import Answer, Session, absences_of
from studies.selectors import pool_of

KINDS = (Assignment.Kind.MAIN, Assignment.Kind.CATCH, Assignment.Kind.REPEAT)


def session_of(participation: Participation) -> Session:
    """Return an annotator's answers that count now, without practice, in the order of their trials. One query."""
    rows = list(
        Response.objects.filter(
            assignment__participation=participation,
            assignment__kind__in=KINDS,
            revision=F("assignment__revision"),
        )
        .order_by("assignment__position")
        .values_list(
            "assignment_id",
            "assignment__repeat_of_id",
            "assignment__kind",
            "given",
            "choice",
            "rt_ms",
            "assignment__trial__expected",
            "timing",
            "assignment__issued_at",
            "created_at",
        )
    )
    choices: dict[int | None, str] = {row[0]: row[4] for row in rows}
    answers = tuple(
        Answer(kind, given, choice, rt_ms, expected, choices.get(repeat_of), absences_of(timing))
        for _, repeat_of, kind, given, choice, rt_ms, expected, timing, _, _ in rows
    )
    seconds = (max(row[9] for row in rows) - min(row[8] for row in rows)).total_seconds() if rows else 0.0
    return Session(answers, seconds)


def trials_planned(participation: Participation) -> Plan:
    """Return which trials the annotator gets in all, if none runs out. One query."""
    study = participation.study
    return plan_of(study=study, code=participation.code, spec=participation.spec, pool=pool_of(study.pk))
