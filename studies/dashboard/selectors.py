"""Reads: which studies the dashboard lists, and how one of them fills.

The numbers are asked for every few seconds, so they cost the same few queries for large studies: the answers that hold
a place are told from `Trial.assigned`, and times from the latest answers.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum

from studies.dashboard.projection import Fill, Projection, project
from studies.models import Assignment, Participation, QualityFinding, Response, Study, Trial

LATEST = 1000
"""Times and the projection are taken from so many latest answers."""
SHOWN = 20
"""Recent answers and findings that the overview shows."""
SHOWN_ANNOTATORS = 8

State = Participation.State


@dataclass(frozen=True)
class StudyRow:
    """A row of the list of studies. `fill` counts the wanted answers to main trials."""

    study: Study
    trials: int
    fill: Fill
    annotators: int
    active: int


def study_rows(studies: Iterable[Study]) -> list[StudyRow]:
    """Return what the list says of these studies, in three queries besides their own."""
    listed = list(studies)
    held = {
        row["study"]: (row["number"], row["held"] or 0)
        for row in Trial.objects.filter(study__in=listed, kind=Trial.Kind.MAIN, is_retired=False)
        .order_by()
        .values("study")
        .annotate(number=Count("pk"), held=Sum("assigned"))
    }
    live = dict(
        Assignment.objects.filter(participation__study__in=listed, state=Assignment.State.LIVE, is_counted=True)
        .order_by()
        .values_list("participation__study")
        .annotate(Count("pk"))
    )
    people = {
        row["study"]: row
        for row in Participation.objects.filter(study__in=listed, is_preview=False)
        .order_by()
        .values("study")
        .annotate(
            number=Count("pk"),
            active=Count("pk", filter=Q(state=State.ACTIVE, is_excluded=False)),
        )
    }
    rows = []
    for study in listed:
        trials, places = held.get(study.pk, (0, 0))
        counted = people.get(study.pk, {"number": 0, "active": 0})
        fill = Fill(places - live.get(study.pk, 0), live.get(study.pk, 0), trials * study.annotators_per_trial)
        rows.append(StudyRow(study, trials, fill, counted["number"], counted["active"]))
    return rows


@dataclass(frozen=True)
class ConditionRow:
    """How one condition fills; the median is that of the latest answers, None without any."""

    pk: int
    dataset: str
    metric: str
    network: str
    attributor: str
    fill: Fill
    median_ms: float | None

    @property
    def name(self) -> str:
        return f"{self.metric}, {self.attributor}"


@dataclass(frozen=True)
class AnnotatorRow:
    """How far an annotator is with their main trials. `median_ms` is over all their answers."""

    participation: Participation
    answered: int
    wanted: int
    last_answer_at: datetime | None
    findings: int
    median_ms: float | None

    @property
    def fill(self) -> Fill:
        return Fill(self.answered, 0, self.wanted)


class Answer(NamedTuple):
    """One of the latest answers."""

    at: datetime | None
    annotator: str
    trial: int
    trial_key: str
    condition: int
    kind: str
    is_counted: bool
    choice: str
    rt_ms: float
    flags: list[str]


@dataclass(frozen=True)
class People:
    """Participations by what became of them, without previews. Those excluded are counted as nothing else."""

    active: int = 0
    completed: int = 0
    failed_checks: int = 0
    screened_out: int = 0
    over_quota: int = 0
    withdrawn: int = 0
    excluded: int = 0

    @property
    def all(self) -> int:
        return (
            self.active
            + self.completed
            + self.failed_checks
            + self.screened_out
            + self.over_quota
            + self.withdrawn
            + self.excluded
        )


@dataclass(frozen=True)
class StudyNumbers:
    """Everything on the overview of a study. `timed` is how many latest answers the times are from."""

    fill: Fill
    conditions: Sequence[ConditionRow]
    people: People
    annotators: Sequence[AnnotatorRow]
    recent: Sequence[Answer]
    findings: Sequence[QualityFinding]
    findings_in_all: int
    timed: int
    flagged: int
    median_ms: float | None
    median_visit: timedelta | None
    projection: Projection | None
    at: datetime


def study_numbers(study: Study, *, now: datetime) -> StudyNumbers:
    """Return the numbers of the overview, in thirteen queries whatever the size of the study."""
    latest = _latest_answers(study)
    timed = [answer for answer in latest if answer.choice != Response.Choice.TIMEOUT]
    conditions = _conditions(study, timed)
    fill = Fill(
        answered=sum(row.fill.answered for row in conditions),
        live=sum(row.fill.live for row in conditions),
        wanted=sum(row.fill.wanted for row in conditions),
    )
    findings = QualityFinding.objects.filter(participation__study=study, participation__is_preview=False)
    return StudyNumbers(
        fill=fill,
        conditions=conditions,
        people=people(study),
        annotators=annotator_rows(study)[:SHOWN_ANNOTATORS],
        recent=latest[:SHOWN],
        findings=list(findings.select_related("participation").order_by("-found_at", "-pk")[:SHOWN]),
        findings_in_all=findings.count(),
        timed=len(timed),
        flagged=sum(bool(answer.flags) for answer in latest),
        median_ms=_median(answer.rt_ms for answer in timed),
        median_visit=_median_visit(study),
        projection=project(_times(latest), remaining=fill.remaining, now=now),
        at=now,
    )


def _latest_answers(study: Study) -> list[Answer]:
    """Return the latest answers as they stand, newest first, without practice and previews: two queries."""
    # Asks for nothing but what the index on participation and time holds, which takes a third of the time.
    pks = list(
        Assignment.objects.filter(
            participation__study=study, participation__is_preview=False, answered_at__isnull=False
        )
        .order_by("-answered_at")
        .values_list("pk", flat=True)[:LATEST]
    )
    # As tuples, since a thousand objects with their relations take longer than everything else on the page.
    rows = Response.objects.filter(
        assignment__in=pks, revision=F("assignment__revision"), assignment__round=0
    ).order_by()
    found = {
        row[0]: Answer(*row[1:])
        for row in rows.values_list(
            "assignment",
            "assignment__answered_at",
            "assignment__participation__code",
            "assignment__trial",
            "assignment__trial__key",
            "assignment__trial__pair__condition",
            "assignment__kind",
            "assignment__is_counted",
            "choice",
            "rt_ms",
            "flags",
        )
    }
    return [found[pk] for pk in pks if pk in found]


def _times(latest: Sequence[Answer]) -> list[datetime]:
    """Return when those answers were given that fill places."""
    return [answer.at for answer in latest if answer.at is not None and answer.is_counted]


def _conditions(study: Study, timed: Sequence[Answer]) -> list[ConditionRow]:
    rt_ms = defaultdict(list)
    for answer in timed:
        rt_ms[answer.condition].append(answer.rt_ms)
    live = dict(
        Assignment.objects.filter(participation__study=study, state=Assignment.State.LIVE, is_counted=True)
        .order_by()
        .values_list("trial__pair__condition")
        .annotate(Count("pk"))
    )
    held = (
        Trial.objects.filter(study=study, kind=Trial.Kind.MAIN, is_retired=False)
        .order_by()
        .values_list(
            "pair__condition",
            "pair__condition__dataset",
            "pair__condition__metric",
            "pair__condition__network",
            "pair__condition__attributor",
        )
        .annotate(Count("pk"), Sum("assigned"))
    )
    return sorted(
        (
            ConditionRow(
                pk=pk,
                dataset=dataset,
                metric=metric,
                network=network,
                attributor=attributor,
                fill=Fill(places - live.get(pk, 0), live.get(pk, 0), trials * study.annotators_per_trial),
                median_ms=_median(rt_ms[pk]),
            )
            for pk, dataset, metric, network, attributor, trials, places in held
        ),
        key=lambda row: (row.dataset, row.metric, row.network, row.attributor),
    )


def people(study: Study) -> People:
    """Return how many take part, by what became of them: one query."""
    counts: dict[str, int] = defaultdict(int)
    for state, is_excluded, number in (
        Participation.objects.filter(study=study, is_preview=False)
        .order_by()
        .values_list("state", "is_excluded")
        .annotate(Count("pk"))
    ):
        counts["excluded" if is_excluded else state] += number
    return People(**counts)


def _median_visit(study: Study) -> timedelta | None:
    """Return the median time from the start to the end of those who completed the study: one query."""
    visits = Participation.objects.filter(
        study=study, is_preview=False, state=State.COMPLETED, started_at__isnull=False, finished_at__isnull=False
    ).values_list("started_at", "finished_at")
    seconds = [(finished - started).total_seconds() for started, finished in visits if started and finished]
    return timedelta(seconds=median(seconds)) if seconds else None


class AnnotatorRows:
    """The annotators of a study, those who answered last first. A slice takes four queries, however long it is."""

    def __init__(self, study: Study, participations: QuerySet[Participation]) -> None:
        self.study = study
        self.participations = participations
        limit = study.trials_per_annotator
        trials = Trial.objects.filter(study=study, kind=Trial.Kind.MAIN, is_retired=False).count()
        self.share = trials if limit is None else min(limit, trials)

    def __len__(self) -> int:
        return self.participations.count()

    def __getitem__(self, places: slice) -> list[AnnotatorRow]:
        answered = Assignment.objects.filter(state=Assignment.State.ANSWERED)
        last = answered.filter(participation=OuterRef("pk")).order_by("-answered_at").values("answered_at")[:1]
        listed = list(
            self.participations.annotate(last_answer_at=Subquery(last)).order_by(
                F("last_answer_at").desc(nulls_last=True), "code"
            )[places]
        )
        # Counted for those on the page alone, which a database would otherwise do for all before it sorts them.
        main = _by_participation(answered.filter(kind=Assignment.Kind.MAIN, participation__in=listed))
        findings = _by_participation(QualityFinding.objects.filter(participation__in=listed))
        rt_ms = defaultdict(list)
        for participation, milliseconds in (
            Response.objects.filter(
                assignment__participation__in=listed, assignment__round=0, revision=F("assignment__revision")
            )
            .exclude(given=Response.Given.TIMEOUT)
            .order_by()
            .values_list("assignment__participation", "rt_ms")
        ):
            rt_ms[participation].append(milliseconds)
        return [
            AnnotatorRow(
                participation=participation,
                answered=main.get(participation.pk, 0),
                wanted=max(main.get(participation.pk, 0), self.share),
                last_answer_at=participation.last_answer_at,
                findings=findings.get(participation.pk, 0),
                median_ms=_median(rt_ms[participation.pk]),
            )
            for participation in listed
        ]


def annotator_rows(study: Study, *, state: str = "") -> AnnotatorRows:
    """Return the annotators of a study without previews; if asked for, those in a state, `excluded` or `flagged`."""
    found = Participation.objects.filter(study=study, is_preview=False)
    if state == "excluded":
        found = found.filter(is_excluded=True)
    elif state == "flagged":
        found = found.filter(findings__isnull=False).distinct()
    elif state:
        found = found.filter(state=state, is_excluded=False)
    return AnnotatorRows(study, found)


def _by_participation(rows: QuerySet[Assignment] | QuerySet[QualityFinding]) -> dict[int, int]:
    return dict(rows.order_by().values_list("participation").annotate(Count("pk")))


def _median(values: Iterable[float]) -> float | None:
    listed = list(values)
    return median(listed) if listed else None
