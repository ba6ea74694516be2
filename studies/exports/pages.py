"""What annotators entered on the pages around the trials, in long form."""

from collections.abc import Iterator
from typing import Any

from studies.exports.facts import Row, people
from studies.exports.timing import as_json
from studies.models import PageRecord, Study

CHUNK = 2000


def row_tuples(study: Study) -> Iterator[Row]:
    """Yield a row for each answer, and one for each page without answers; two queries."""
    persons = people(study)
    for participation, key, kind, answers, digest, seconds, completed_at in page_records(study):
        cells = persons[participation].cells
        for field, part, text, number in _entered(answers):
            yield (*cells, key, kind, field, part, text, number, digest or None, seconds, completed_at)


def page_records(study: Study) -> Iterator[Any]:
    """Yield (participation, key, kind, answers, digest, seconds, time) by annotator, in the order of time."""
    return (
        PageRecord.objects.filter(participation__study=study, participation__is_preview=False)
        .order_by("participation", "completed_at", "pk")
        .values_list("participation_id", "key", "kind", "answers", "text_digest", "shown_seconds", "completed_at")
        .iterator(chunk_size=CHUNK)
    )


def _entered(answers: object) -> Iterator[tuple[str | None, int | None, str | None, float | None]]:
    """Yield (field, part, text, number) for each answer; one without any, if there are none."""
    if not isinstance(answers, dict) or not answers:
        yield None, None, None if not answers else as_json(answers), None
        return
    for field, value in answers.items():
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            for part, one in enumerate(value, start=1):
                yield field, part, one, None
        else:
            yield field, None, _text(value), _number(value)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return as_json(value)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
