"""Reads: what the dashboard says of studies and of how one fills."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from studies.models import Assignment, Participation, Study, Trial
from studies.projection import Fill


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
        Assignment.objects.filter(
            participation__study__in=listed, state=Assignment.State.LIVE, is_counted=True, trial__is_retired=False
        )
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
            active=Count("pk", filter=Q(state=Participation.State.ACTIVE, is_excluded=False)),
        )
    }
    rows = []
    for study in listed:
        trials, places = held.get(study.pk, (0, 0))
        counted = people.get(study.pk, {"number": 0, "active": 0})
        rows.append(
            StudyRow(
                study=study,
                trials=trials,
                fill=Fill(places - live.get(study.pk, 0), live.get(study.pk, 0), trials * study.annotators_per_trial),
                annotators=counted["number"],
                active=counted["active"],
            )
        )
    return rows


@dataclass(frozen=True)
class ConditionRow:
    """How one condition fills."""

    dataset: str
    metric: str
    network: str
    attributor: str
    fill: Fill
    median_ms: float | None

    @property
    def name(self) -> str:
        return f"{self.metric}, {self.attributor}, {self.network}, {self.dataset}"
