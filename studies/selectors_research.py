"""Reads: a study's parts as the researchers' API lists them."""

from collections.abc import Sequence

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from studies.dashboard.selectors import StudyRow, study_rows
from studies.dashboard.sessions import choices_of
from studies.models import Condition, Protocol, Response, Study, Trial


class StudyRows:
    """Studies with how far they are. A slice takes four queries, however long it is."""

    def __init__(self, studies: QuerySet[Study]) -> None:
        latest = Protocol.objects.filter(study=OuterRef("pk")).order_by("-version").values("version")[:1]
        self.studies = studies.select_related("owner").annotate(protocol_version=Subquery(latest))

    def __len__(self) -> int:
        return self.studies.count()

    def __getitem__(self, places: slice) -> list[StudyRow]:
        return study_rows(self.studies[places])


class TrialRows:
    """Trials with `choices`: how often each choice stands among the answers that count. A slice takes two queries."""

    def __init__(self, trials: QuerySet[Trial]) -> None:
        self.trials = trials

    def __len__(self) -> int:
        return self.trials.count()

    def __getitem__(self, places: slice) -> Sequence[Trial]:
        listed = list(self.trials[places])
        chosen = choices_of(listed)
        for trial in listed:
            trial.choices = {choice: chosen[trial.pk].get(choice, 0) for choice in Response.Choice.values}  # type: ignore[attr-defined]
        return listed


def condition_rows(study: Study) -> QuerySet[Condition]:
    """Return the study's conditions with the number of their main trials and of the places taken."""
    held = Q(pairs__trials__kind=Trial.Kind.MAIN, pairs__trials__is_retired=False)
    return (
        Condition.objects.filter(study=study)
        .annotate(
            trials=Count("pairs__trials", filter=held),
            places_taken=Coalesce(Sum("pairs__trials__assigned", filter=held), 0),
        )
        .order_by("dataset", "metric", "network", "attributor")
    )
