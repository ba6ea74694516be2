"""Reads: what pages, the API and the analysis ask for."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from studies.draws.plan import Pool, plan_of
from studies.models import Assignment, Participation, Picture, Response, Study, Trial, User
from studies.prepared import Prepared
from studies.roles import studies_for
from studies.trial_types import trial_type

PRACTICE = Assignment.Kind.PRACTICE


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


@dataclass(frozen=True, slots=True)
class Tally:
    """An annotator's assignments, practice aside: how many are answered, and of each kind those not released."""

    answered: int
    by_kind: Mapping[str, int]

    @property
    def held(self) -> int:
        return sum(self.by_kind.values())

    @property
    def mains(self) -> int:
        return self.by_kind.get(Assignment.Kind.MAIN, 0)


def _progress(participation: Participation, tally: Tally, pool: Pool, room: int) -> Progress:
    spec = participation.spec
    plan = plan_of(study=participation.study, code=participation.code, spec=spec, pool=pool)
    if participation.is_exhausted:
        limit = spec.trials.per_annotator
        waiting = room if limit is None else max(0, min(room, limit - tally.mains))
        # The catch trials and repeats that come with those that wait.
        checks = max(0, plan.due(tally.mains + waiting) - (tally.held - tally.mains)) if waiting else 0
        return Progress(tally.answered, tally.held + waiting + checks, waiting)
    return Progress(tally.answered, plan.total_with(tally.by_kind))


def _with_room(participation: OuterRef | int, study: OuterRef | int) -> QuerySet[Trial]:
    """Trials that a draw would give to this annotator: not held by them, and with a place that is free or expired."""
    held_by_them = Assignment.objects.filter(trial=OuterRef("pk"), participation=participation).exclude(
        state=Assignment.State.RELEASED
    )
    expired = Assignment.objects.filter(
        trial=OuterRef("pk"), state=Assignment.State.LIVE, expires_at__lte=timezone.now(), is_counted=True
    )
    return (
        Trial.objects.filter(study=study, kind=Trial.Kind.MAIN, is_retired=False)
        .exclude(Exists(held_by_them))
        .filter(
            Q(assigned__lt=F("study__annotators_per_trial"))
            | Q(assigned__lt=F("study__annotators_per_trial") + _count(expired, "trial"))
        )
    )


_POOL = Prepared(
    lambda study: (
        Trial.objects.filter(study=study, is_retired=False)
        .order_by()
        .values_list("kind", Value("trial"))
        .annotate(Count("pk"))
    ),
    study=int,
)
_TALLY_AND_POOL = Prepared(
    lambda participation, study: (
        Assignment.objects.filter(participation=participation)
        .exclude(kind=PRACTICE)
        .order_by()
        .values_list("kind", "state")
        .annotate(Count("pk"))
        .union(_POOL.build(study=study), all=True)
    ),
    participation=int,
    study=int,
)


def pool_of(study: int) -> Pool:
    """Return how many main and catch trials a study has, by its primary key. One query."""
    return _pool_in(_POOL.all(study=study))


def _pool_in(rows: Iterable[tuple[str, str, int]]) -> Pool:
    numbers = {kind: number for kind, what, number in rows if what == "trial"}
    return Pool(mains=numbers.get(Trial.Kind.MAIN, 0), catches=numbers.get(Trial.Kind.CATCH, 0))


def _tally_in(rows: Iterable[tuple[str, str, int]]) -> Tally:
    states = {(kind, state): number for kind, state, number in rows if state != "trial"}
    held = {(kind, state): number for (kind, state), number in states.items() if state != Assignment.State.RELEASED}
    by_kind: Counter[str] = Counter()
    for (kind, _), number in held.items():
        by_kind[kind] += number
    answered = sum(number for (_, state), number in held.items() if state == Assignment.State.ANSWERED)
    return Tally(answered, by_kind)


def progress_get(participation: Participation) -> Progress:
    """Return the annotator's progress, in one query; practice aside. `total` is all that this annotator will get.

    Takes a participation with study and protocol. That no trial was left (`is_exhausted`) is not taken as final in an
    open study: another query counts the trials that have room by now, because the study wants more annotators or
    because others did not answer in time.
    """
    room = 0
    if participation.is_exhausted and participation.study.state == Study.State.OPEN:
        room = _with_room(participation.pk, participation.study_id).count()
    rows = _TALLY_AND_POOL.all(participation=participation.pk, study=participation.study_id)
    return _progress(participation, _tally_in(rows), _pool_in(rows), room)


def _count(queryset: QuerySet[Assignment] | QuerySet[Trial], of: str) -> Coalesce:
    counted = queryset.order_by().values(of).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def studies_of_annotator(annotator: User) -> list[StudyOfAnnotator]:
    """Return the annotator's studies with progress, newest first, in one query."""
    assignments = Assignment.objects.filter(participation=OuterRef("pk")).exclude(kind=PRACTICE)
    held = assignments.exclude(state=Assignment.State.RELEASED)
    trials = Trial.objects.filter(study=OuterRef("study"), is_retired=False)
    # Counted only for those who once found no trial left.
    exhausted = When(
        is_exhausted=True,
        study__state=Study.State.OPEN,
        then=_count(_with_room(OuterRef(OuterRef("pk")), OuterRef("study")), "study"),
    )
    participations = (
        Participation.objects.filter(annotator=annotator)
        .select_related("study", "protocol")
        .annotate(
            answered=_count(assignments.filter(state=Assignment.State.ANSWERED), "participation"),
            held_mains=_count(held.filter(kind=Assignment.Kind.MAIN), "participation"),
            held_catches=_count(held.filter(kind=Assignment.Kind.CATCH), "participation"),
            held_repeats=_count(held.filter(kind=Assignment.Kind.REPEAT), "participation"),
            trials=_count(trials.filter(kind=Trial.Kind.MAIN), "study"),
            catches=_count(trials.filter(kind=Trial.Kind.CATCH), "study"),
            room=Case(exhausted, default=Value(0), output_field=IntegerField()),
        )
        .order_by("-study__created_at", "study__slug")
    )
    return [
        StudyOfAnnotator(
            study=participation.study,
            participation=participation,
            progress=_progress(
                participation,
                Tally(
                    participation.answered,
                    {
                        Assignment.Kind.MAIN: participation.held_mains,
                        Assignment.Kind.CATCH: participation.held_catches,
                        Assignment.Kind.REPEAT: participation.held_repeats,
                    },
                ),
                Pool(participation.trials, participation.catches),
                participation.room,
            ),
        )
        for participation in participations
    ]


_PARTICIPATION = Prepared(
    lambda slug, annotator: (
        Participation.objects.select_related("study", "protocol")
        .filter(study__slug=slug, annotator=annotator)
        .order_by()[:1]
    ),
    slug=str,
    annotator=int,
)


def participation_find(*, slug: str, annotator: User) -> Participation | None:
    """Return the annotator's part in the study of this slug, with study and protocol; None if there is none."""
    return _PARTICIPATION.first(slug=slug, annotator=annotator.pk)


_LIVE = Prepared(
    lambda participation: (
        Assignment.objects.filter(participation=participation, state=Assignment.State.LIVE)
        .exclude(kind=PRACTICE)
        .select_related("trial__pair")
        .order_by("position")
    ),
    participation=int,
)


def live_assignments(participation: Participation) -> list[Assignment]:
    """Return the annotator's unanswered assignments in order, practice aside, with trial and pair."""
    return _LIVE.all(participation=participation.pk)


_LAST_ANSWERED = Prepared(
    lambda participation: (
        Assignment.objects.filter(participation=participation, state=Assignment.State.ANSWERED)
        .exclude(kind=PRACTICE)
        .select_related("trial__pair")
        .order_by("-answered_at", "-position")[:1]
    ),
    participation=int,
)


def undoable(participation: Participation) -> Assignment | None:
    """Return the assignment whose answer the annotator may change, with trial and pair: the last one, if any.

    None where the protocol allows no undo, and after an answer that came too late. Takes a participation with study
    and protocol.
    """
    settings = participation.spec.trials
    last = _LAST_ANSWERED.first(participation=participation.pk) if settings.undo else None
    if last is None or settings.most_ms is None:
        return last
    too_late = last.responses.filter(revision=last.revision, given=Response.Given.TIMEOUT)
    return None if too_late.exists() else last


def _with_picture_keys(assignments: QuerySet[Assignment]) -> QuerySet[Assignment]:
    # Not the pictures themselves: PostgreSQL takes 2 ms to plan a join of all these tables, and one picture is sent.
    return (
        assignments.select_related("trial__pair__image")
        .only(
            "side",
            *("trial__trial_type", "trial__expected", "trial__decoy_id"),
            *("trial__pair__original_id", "trial__pair__finetuned_id", "trial__pair__image__picture_id"),
        )
        .order_by()[:1]
    )


_OWN_PICTURES = Prepared(
    lambda token, annotator: _with_picture_keys(
        Assignment.objects.filter(token=token, participation__annotator=annotator)
    ),
    token=str,
    annotator=int,
)
_PICTURE = Prepared(lambda picture: Picture.objects.filter(pk=picture), picture=int)


def picture_shown(*, token: str, slot: str, viewer: User) -> Picture | None:
    """Return the picture in a slot of an assignment, in two queries; None if there is none that the viewer may see.

    It is there for the annotator it was given to, and for those who run the study.
    """
    assignment = _OWN_PICTURES.first(token=token, annotator=viewer.pk)
    if assignment is None and (viewer.is_staff or viewer.is_superuser):
        run_by_them = studies_for(viewer).order_by()
        of_study = Assignment.objects.filter(token=token, participation__study__in=run_by_them)
        assignment = next(iter(_with_picture_keys(of_study)), None)
    if assignment is None:
        return None
    kind = trial_type(assignment.trial.trial_type)
    if slot not in kind.slots:
        return None
    return _PICTURE.first(picture=kind.picture_id(assignment, slot))


def current_responses(study: Study) -> QuerySet[Response]:
    """Return the responses that count: of each answered assignment, the one with the highest revision."""
    return Response.objects.filter(assignment__participation__study=study, revision=F("assignment__revision")).order_by(
        "assignment__participation__code", "assignment__position"
    )
