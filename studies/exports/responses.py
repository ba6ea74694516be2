"""The answers, one row each."""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from django.db.models import F, TextField
from django.db.models.functions import Cast

from studies.exports.columns import names
from studies.exports.facts import Row, people, trials
from studies.exports.timing import timing_cells
from studies.models import Assignment, Response, Study
from studies.quality.observed import is_expected

CHUNK = 2000

_MAIN, _PRACTICE = Assignment.Kind.MAIN.value, Assignment.Kind.PRACTICE.value
_TIMEOUT = Response.Choice.TIMEOUT.value


def rows(study: Study, *, all_revisions: bool = False, with_practice: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the answers as dictionaries by the names of `COLUMNS["responses"]`.

    Previews are left out; so are answers that were changed later, unless `all_revisions`, and practice, unless
    `with_practice`. The order is that of annotators, rounds of practice, positions and revisions. Three queries, read
    in pieces; call it inside of `snapshot()`, so that all of them see the same moment.
    """
    columns = names("responses")
    for row in row_tuples(study, all_revisions=all_revisions, with_practice=with_practice):
        yield dict(zip(columns, row, strict=True))


def row_tuples(study: Study, *, all_revisions: bool = False, with_practice: bool = False) -> Iterator[Row]:
    """Yield what `rows` yields, as tuples in the order of the columns."""
    for _, row in by_annotator(study, all_revisions=all_revisions, with_practice=with_practice):
        yield row


def by_annotator(
    study: Study, *, all_revisions: bool = False, with_practice: bool = False
) -> Iterator[tuple[int, Row]]:
    """Yield the same rows, each behind the primary key of its participation."""
    persons, shown = people(study), trials(study)
    for (
        uuid,
        revision,
        given,
        choice,
        confidence,
        reason,
        flags,
        rt_ms,
        timing,
        answered_at,
        participation,
        trial,
        kind,
        round_,
        position,
        side,
        current,
        issued_at,
        repeats,
    ) in _answers(study, all_revisions, with_practice):
        person, what = persons[participation], shown[trial]
        is_current = revision == current
        expected = what.expected
        yield (
            participation,
            (
                _dashed(uuid),
                *person.cells,
                *what.cells,
                kind,
                round_,
                position,
                repeats,
                side,
                revision,
                is_current,
                is_current and kind == _MAIN and choice != _TIMEOUT and person.counts,
                given,
                choice,
                is_expected(choice, expected) if expected else None,
                confidence,
                reason or None,
                rt_ms,
                issued_at,
                answered_at,
                _flags(flags),
                *timing_cells(_object(timing)),
            ),
        )


def _answers(study: Study, all_revisions: bool, with_practice: bool) -> Iterator[Any]:
    answers = Response.objects.filter(
        assignment__participation__study=study, assignment__participation__is_preview=False
    )
    if not all_revisions:
        answers = answers.filter(revision=F("assignment__revision"))
    if not with_practice:
        answers = answers.exclude(assignment__kind=_PRACTICE)
    return (
        answers.order_by("assignment__participation", "assignment__round", "assignment__position", "revision")
        .values_list(
            Cast("uuid", TextField()),
            "revision",
            "given",
            "choice",
            "confidence",
            "reason",
            Cast("flags", TextField()),
            "rt_ms",
            Cast("timing", TextField()),
            "created_at",
            "assignment__participation_id",
            "assignment__trial_id",
            "assignment__kind",
            "assignment__round",
            "assignment__position",
            "assignment__side",
            "assignment__revision",
            "assignment__issued_at",
            "assignment__repeat_of__position",
        )
        .iterator(chunk_size=CHUNK)
    )


# Read as text and parsed here: flags are few and the same for most answers, and answers are many.
@lru_cache(maxsize=1024)
def _flags(text: str) -> str | None:
    flags = json.loads(text)
    return " ".join(map(str, flags)) or None if isinstance(flags, list) else None


def _dashed(text: str) -> str:
    # SQLite keeps a UUID as its 32 digits alone.
    if len(text) != 32:
        return text
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    return value if isinstance(value, dict) else {"timing": value}
