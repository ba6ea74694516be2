"""Whether the database holds what a bundle has, asked row by row: neither is ever whole in memory."""

# ruff: noqa: S608 - statements are put together from the names of models and their fields alone.

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Model, QuerySet

from studies.bundles.fields import SEPARATOR, bundle_fields
from studies.bundles.files import Bundle
from studies.bundles.fixture import natural_key, table
from studies.bundles.scratch import BATCH
from studies.models import Condition, Image, Pair, Picture, Study, Trial

# As many values as every database takes in one query.
FEW = 900
CONDITION = ("dataset", "metric", "network", "attributor")


def study_fields(bundle: Bundle) -> dict[str, Any]:
    """Return the fields of the bundle's study."""
    names = list(bundle_fields(Study))
    row = bundle.scratch.first(f"SELECT {', '.join(names)} FROM {table(Study)}")
    values = dict(zip(names, row or (), strict=True))
    return {name: _read(bundle_fields(Study)[name].get_internal_type(), value) for name, value in values.items()}


def is_stored(bundle: Bundle, study: Study, decided: Iterable[str]) -> bool:
    """Whether the study and its rows are those of the bundle, but for the study's columns that its protocol decides."""
    fields = study_fields(bundle)
    if any(getattr(study, name) != value for name, value in fields.items() if name not in set(decided)):
        return False
    # Catch and practice trials come from the study's protocol, not from a bundle.
    trials = Trial.objects.filter(study=study, kind=Trial.Kind.MAIN)
    condition = tuple(f"condition__{name}" for name in CONDITION)
    return (
        _has_pictures(bundle)
        and _has_rows(bundle, Condition.objects.filter(study=study), study, {})
        and _has_rows(bundle, Image.objects.filter(study=study), study, {"picture": ("picture__digest",)})
        and _has_rows(
            bundle,
            Pair.objects.filter(condition__study=study),
            study,
            {
                "condition": condition,
                "image": ("image__name",),
                "original": ("original__digest",),
                "finetuned": ("finetuned__digest",),
            },
        )
        and _has_rows(bundle, trials, study, {"pair": (*(f"pair__{name}" for name in condition), "pair__image__name")})
    )


def _has_pictures(bundle: Bundle) -> bool:
    for batch in bundle.scratch.batches("SELECT digest, width, height FROM picture ORDER BY digest", FEW):
        digests = [digest for digest, _, _ in batch]
        found = Picture.objects.filter(digest__in=digests).values_list("digest", "width", "height")
        if set(found) != set(batch):
            return False
    return True


def _has_rows(bundle: Bundle, rows: QuerySet[Any], study: Study, references: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether exactly these rows of a model are the bundle's; `references` names the columns of natural keys."""
    model: type[Model] = rows.model
    names = ", ".join(f'"{name}"' for name in bundle_fields(model))
    wanted = f"SELECT {names} FROM {table(model)} WHERE natural_key = ?"
    kinds = [known.get_internal_type() for known in bundle_fields(model).values()]
    count = 0
    for fields in _fields(rows, study, references):
        count += 1
        row = bundle.scratch.first(wanted, (natural_key(model, fields),))
        if row is None or [_read(kind, value) for kind, value in zip(kinds, row, strict=True)] != list(fields.values()):
            return False
    return count == bundle.scratch.count(table(model))


def _fields(rows: QuerySet[Any], study: Study, references: Mapping[str, tuple[str, ...]]) -> Iterator[dict[str, Any]]:
    """Give the fields of stored rows as scratch has them: references to study and others as natural keys."""
    model: type[Model] = rows.model
    names = bundle_fields(model)
    paths = {name: references.get(name, () if name == "study" else (name,)) for name in names}
    # Pictures belong to no study.
    alone = {name for name, known in names.items() if known.is_relation and known.related_model is Picture}
    columns = [path for some in paths.values() for path in some]
    for row in rows.order_by().values_list(*columns).iterator(chunk_size=BATCH):
        values = iter(row)
        fields: dict[str, Any] = {}
        for name, some in paths.items():
            taken = [next(values) for _ in some]
            if not names[name].is_relation:
                fields[name] = taken[0]
            else:
                fields[name] = SEPARATOR.join(taken if name in alone else (study.slug, *taken))
        yield fields


def _read(kind: str, value: Any) -> Any:
    """Return a value of scratch as the database gives it."""
    if kind == "JSONField":
        return json.loads(value)
    return bool(value) if kind == "BooleanField" else value
