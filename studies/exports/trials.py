"""The trials, one row each, with how they were judged."""

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Count, F

from studies.exports.columns import CHOICE
from studies.exports.facts import Row, defined, trials
from studies.models import Assignment, Participation, Response, Study, Trial

CHUNK = 2000
_JUDGED = tuple(choice for choice in CHOICE if choice != Response.Choice.TIMEOUT)


def row_tuples(study: Study) -> Iterator[Row]:
    """Yield the trials in the order of their keys; three queries."""
    shown = trials(study)
    judged = _judged(study)
    rows = (
        Trial.objects.filter(study=study)
        .order_by("key")
        .values_list(
            "pk",
            "kind",
            "is_retired",
            "pair__target",
            "pair__prediction_original",
            "pair__prediction_finetuned",
            "pair__confidence_original",
            "pair__confidence_finetuned",
        )
    )
    for pk, kind, is_retired, target, before, after, sure_before, sure_after in rows.iterator(chunk_size=CHUNK):
        yield (
            study.slug,
            *shown[pk].cells,
            kind,
            is_retired,
            target,
            before,
            after,
            defined(sure_before),
            defined(sure_after),
            study.annotators_per_trial if kind == Trial.Kind.MAIN else None,
            *(judged[pk][choice] for choice in _JUDGED),
        )


def _judged(study: Study) -> dict[int, dict[str, int]]:
    """How often each choice stands among a trial's judgements that count, as in the column `counts` of answers."""
    found: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    grouped = (
        Response.objects.filter(
            assignment__participation__study=study,
            assignment__participation__is_preview=False,
            assignment__participation__is_excluded=False,
            assignment__kind=Assignment.Kind.MAIN,
            revision=F("assignment__revision"),
        )
        .exclude(assignment__participation__state=Participation.State.WITHDRAWN)
        .exclude(choice=Response.Choice.TIMEOUT)
        .order_by()
        .values_list("assignment__trial", "choice")
        .annotate(Count("pk"))
    )
    for trial, choice, number in grouped:
        found[trial][choice] = number
    return found
