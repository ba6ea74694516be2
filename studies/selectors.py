"""Reads: what pages, the API and the analysis ask for."""

from dataclasses import dataclass

from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from studies.models import Assignment, Participation, Response, Study, Trial, User
from studies.roles import studies_for


@dataclass(frozen=True)
class Progress:
    """How far an annotator is: trials answered, and trials in all.

    `waiting` counts the trials among them that have room again for an annotator who once found none left.
    """

    answered: int
    total: int
    waiting: int = 0

    @property
    def is_done(self) -> bool:
        return self.answered >= self.total

    @property
    def percent(self) -> int:
        """Whole per cent, rounded down, 100 only when done."""
        return 100 if self.is_done else 100 * self.answered // self.total

    def as_dict(self) -> dict[str, int]:
        return {"answered": self.answered, "total": self.total}


@dataclass(frozen=True)
class StudyOfAnnotator:
    """A row of an annotator's list of studies."""

    study: Study
    participation: Participation
    progress: Progress


def _progress(participation: Participation, answered: int, held: int, trials: int, room: int) -> Progress:
    limit = participation.study.trials_per_annotator
    if participation.is_exhausted:
        waiting = room if limit is None else max(0, min(room, limit - held))
        return Progress(answered, held + waiting, waiting)
    wanted = trials if limit is None else min(limit, trials)
    # A late answer to a released trial may take an annotator beyond the wanted number.
    return Progress(answered, max(wanted, answered))


def _with_room(participation: OuterRef | int, study: OuterRef | int) -> QuerySet[Trial]:
    """Trials that a draw would give to this annotator: not held by them, and with a place that is free or expired."""
    held_by_them = Assignment.objects.filter(trial=OuterRef("pk"), participation=participation).exclude(
        state=Assignment.State.RELEASED
    )
    expired = Assignment.objects.filter(
        trial=OuterRef("pk"), state=Assignment.State.LIVE, expires_at__lte=timezone.now()
    )
    return (
        Trial.objects.filter(study=study)
        .exclude(Exists(held_by_them))
        .filter(
            Q(assigned__lt=F("study__annotators_per_trial"))
            | Q(assigned__lt=F("study__annotators_per_trial") + _count(expired, "trial"))
        )
    )


def progress_get(participation: Participation) -> Progress:
    """Return the annotator's progress, in two queries. `total` is the share of the trials that is theirs.

    That no trial was left (`is_exhausted`) is not taken as final in an open study: a third query counts the trials
    that have room by now, because the study wants more annotators or because others did not answer in time.
    """
    counts = Assignment.objects.filter(participation=participation).aggregate(
        answered=Count("pk", filter=Q(state=Assignment.State.ANSWERED)),
        held=Count("pk", filter=~Q(state=Assignment.State.RELEASED)),
    )
    trials = Trial.objects.filter(study=participation.study_id).count()
    room = 0
    if participation.is_exhausted and participation.study.state == Study.State.OPEN:
        room = _with_room(participation.pk, participation.study_id).count()
    return _progress(participation, counts["answered"], counts["held"], trials, room)


def _count(queryset: QuerySet[Assignment] | QuerySet[Trial], of: str) -> Coalesce:
    counted = queryset.order_by().values(of).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def studies_of_annotator(annotator: User) -> list[StudyOfAnnotator]:
    """Return the annotator's studies with progress, newest first, in one query."""
    assignments = Assignment.objects.filter(participation=OuterRef("pk"))
    # Counted only for those who once found no trial left.
    exhausted = When(
        is_exhausted=True,
        study__state=Study.State.OPEN,
        then=_count(_with_room(OuterRef(OuterRef("pk")), OuterRef("study")), "study"),
    )
    participations = (
        Participation.objects.filter(annotator=annotator)
        .select_related("study")
        .annotate(
            answered=_count(assignments.filter(state=Assignment.State.ANSWERED), "participation"),
            held=_count(assignments.exclude(state=Assignment.State.RELEASED), "participation"),
            trials=_count(Trial.objects.filter(study=OuterRef("study")), "study"),
            room=Case(exhausted, default=Value(0), output_field=IntegerField()),
        )
        .order_by("-study__created_at", "study__slug")
    )
    return [
        StudyOfAnnotator(
            study=participation.study,
            participation=participation,
            progress=_progress(
                participation, participation.answered, participation.held, participation.trials, participation.room
            ),
        )
        for participation in participations
    ]


def participation_find(*, slug: str, annotator: User) -> Participation | None:
    """Return the annotator's part in the study of this slug, with study and protocol; None if there is none."""
    mine = Participation.objects.select_related("study", "protocol").filter(annotator=annotator)
    return mine.filter(study__slug=slug).first()


def _with_pair(assignments: QuerySet[Assignment]) -> QuerySet[Assignment]:
    return assignments.select_related("trial__pair")


def live_assignments(participation: Participation) -> QuerySet[Assignment]:
    """Return the annotator's unanswered assignments in order, with trial and pair."""
    mine = _with_pair(Assignment.objects.filter(participation=participation))
    return mine.filter(state=Assignment.State.LIVE).order_by("position")


def last_answered(participation: Participation) -> Assignment | None:
    """Return the assignment that the annotator answered most recently, with trial and pair."""
    mine = _with_pair(Assignment.objects.filter(participation=participation))
    return mine.filter(state=Assignment.State.ANSWERED).order_by("-answered_at", "-position").first()


def assignment_for_picture(*, token: str, viewer: User) -> Assignment | None:
    """Return the assignment with all its pictures if the viewer may see them: its annotator, and who runs the study."""
    assignments = Assignment.objects.select_related(
        "trial__pair__image__picture", "trial__pair__original", "trial__pair__finetuned"
    ).filter(token=token)
    mine = Q(participation__annotator=viewer)
    if viewer.is_staff or viewer.is_superuser:
        mine |= Q(participation__study__in=studies_for(viewer).order_by())
    return assignments.filter(mine).first()


def current_responses(study: Study) -> QuerySet[Response]:
    """Return the responses that count: of each answered assignment, the one with the highest revision."""
    return Response.objects.filter(assignment__participation__study=study, revision=F("assignment__revision")).order_by(
        "assignment__participation__code", "assignment__position"
    )
