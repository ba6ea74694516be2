"""What is told of annotators and trials with each answer, read once for all answers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studies.models import Participation, Study, Trial

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """An annotator's cells, those of `columns.PERSON`, and whether main answers in time are judgements that count."""

    cells: Row
    counts: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A trial's cells, those of `columns.SHOWN`, and its right answer."""

    cells: Row
    expected: str


def people(study: Study) -> Mapping[int, Person]:
    """Return the annotators without previews, by primary key, in one query."""
    rows = (
        Participation.objects.filter(study=study, is_preview=False)
        .order_by("pk")
        .values_list("pk", "code", "state", "is_excluded", "protocol__version")
    )
    return {
        pk: Person(
            cells=(study.slug, study.is_simulated, code, state, is_excluded, version),
            counts=not is_excluded and state != Participation.State.WITHDRAWN,
        )
        for pk, code, state, is_excluded, version in rows
    }


def trials(study: Study) -> Mapping[int, Shown]:
    """Return the trials by primary key, in one query."""
    rows = (
        Trial.objects.filter(study=study)
        .order_by("key")
        .values_list(
            "pk",
            "key",
            "pair__image__name",
            "pair__image__label",
            "pair__condition__dataset",
            "pair__condition__metric",
            "pair__condition__network",
            "pair__condition__attributor",
            "pair__condition__direction",
            "pair__score_original",
            "pair__score_finetuned",
            "expected",
            "decoy_id",
        )
    )
    return {
        pk: Shown(
            cells=(*told, defined(before), defined(after), expected or None, decoy is not None),
            expected=expected,
        )
        for pk, *told, before, after, expected, decoy in rows
    }


def defined(number: float | None) -> float | None:
    """Return the number; None for what is none (databases may hold NaN)."""
    return number if number is not None and math.isfinite(number) else None
