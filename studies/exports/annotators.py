"""The annotators, one row each, with what they answered and what rules found."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.db.models import Count, F

from studies.exports.columns import RULES
from studies.exports.facts import Row, defined, people
from studies.models import Assignment, Participation, QualityFinding, Response, Study
from studies.quality.observed import is_expected

CHUNK = 2000
_Kind = Assignment.Kind
_COUNTED = (_Kind.MAIN, _Kind.CATCH, _Kind.REPEAT, _Kind.PRACTICE)


def row_tuples(study: Study) -> Iterator[Row]:
    """Yield the annotators in the order in which they came; four queries, whatever their number."""
    persons = people(study)
    answers = _answers(study)
    findings = _findings(study)
    participations = (
        Participation.objects.filter(study=study, is_preview=False)
        .order_by("pk")
        .values_list("pk", "source", "excluded_because", "created_at", "started_at", "last_seen_at", "finished_at")
    )
    for pk, source, because, *times in participations.iterator(chunk_size=CHUNK):
        given, found = answers[pk], findings[pk]
        yield (
            *persons[pk].cells,
            source,
            because or None,
            *times,
            *(given[kind] for kind in _COUNTED),
            given["timeouts"],
            given["catch_correct"],
            *(defined(found[rule][0]) if rule in found else None for rule in RULES),
            any(action == QualityFinding.Action.EXCLUDE for _, action in found.values()),
        )


def _answers(study: Study) -> dict[int, dict[str, int]]:
    """How many answers of which sort each annotator gave, of those that stand."""
    numbers: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    grouped = (
        Response.objects.filter(
            assignment__participation__study=study,
            assignment__participation__is_preview=False,
            revision=F("assignment__revision"),
        )
        .order_by()
        .values_list("assignment__participation", "assignment__kind", "choice", "assignment__trial__expected")
        .annotate(Count("pk"))
    )
    for participation, kind, choice, expected, number in grouped:
        mine = numbers[participation]
        if choice == Response.Choice.TIMEOUT:
            mine["timeouts"] += number if kind != _Kind.PRACTICE else 0
            continue
        mine[kind] += number
        if kind == _Kind.CATCH and is_expected(choice, expected):
            mine["catch_correct"] += number
    return numbers


def _findings(study: Study) -> dict[int, dict[str, tuple[float, str]]]:
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    findings = QualityFinding.objects.filter(participation__study=study).order_by("participation", "rule")
    for participation, rule, value, action in findings.values_list("participation", "rule", "value", "action"):
        found[participation][rule] = (value, action)
    return found
