"""The fixture of a bundle: every object checked against the models before anything is written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from studies.bundles.errors import EXPORT_AGAIN, BundleError
from studies.bundles.files import FIXTURE, BundleFiles
from studies.models import Condition, Fixed, Image, Pair, Picture, Study, Trial
from studies.trial_types import TRIAL_TYPES

MODELS: dict[str, type[models.Model]] = {
    f"studies.{model._meta.model_name}": model for model in (Study, Picture, Condition, Image, Pair, Trial)
}

Key = tuple[str, ...]
Fields = dict[str, Any]


@dataclass
class Rows:
    """The objects of a fixture: for each model, natural key -> fields. References are natural keys (tuples)."""

    study: Fields
    pictures: dict[Key, Fields] = field(default_factory=dict)
    conditions: dict[Key, Fields] = field(default_factory=dict)
    images: dict[Key, Fields] = field(default_factory=dict)
    pairs: dict[Key, Fields] = field(default_factory=dict)
    trials: dict[Key, Fields] = field(default_factory=dict)


def bundle_fields(model: type[models.Model]) -> dict[str, models.Field[Any, Any]]:
    """Return the fields that a bundle must give for a model, by name."""
    bookkeeping = model.bookkeeping if issubclass(model, Fixed) else frozenset()
    concrete = model._meta.local_concrete_fields
    return {item.name: item for item in concrete if not item.primary_key and item.name not in bookkeeping}


def natural_key(model: type[models.Model], fields: Fields) -> Key:
    """Return the natural key of an object whose fields are checked."""
    if model is Study:
        return (fields["slug"],)
    if model is Picture:
        return (fields["digest"],)
    if model is Condition:
        return (*fields["study"], fields["dataset"], fields["metric"], fields["network"], fields["attributor"])
    if model is Image:
        return (*fields["study"], fields["name"])
    if model is Pair:
        return (*fields["condition"], *fields["image"][1:])
    return (*fields["study"], fields["key"])


def read_fixture(files: BundleFiles) -> Rows:
    """Return the fixture's objects; raises BundleError for anything that the models or the contract do not allow."""
    if not isinstance(files.objects, list):
        raise BundleError(FIXTURE, "is not a list of objects", EXPORT_AGAIN)
    tables: dict[type[models.Model], dict[Key, Fields]] = {model: {} for model in MODELS.values()}
    known = {model: bundle_fields(model) for model in tables}
    for number, item in enumerate(files.objects):
        where = f"{FIXTURE}: object {number}"
        if not isinstance(item, dict) or set(item) != {"model", "fields"} or not isinstance(item["fields"], dict):
            raise BundleError(where, 'has other entries than "model" and "fields"', EXPORT_AGAIN)
        model = MODELS.get(item["model"]) if isinstance(item["model"], str) else None
        if model is None:
            raise BundleError(where, f"unknown model {item['model']!r} (known: {', '.join(MODELS)})", EXPORT_AGAIN)
        fields = _checked_fields(f"{where} ({item['model']})", known[model], item["fields"])
        key = natural_key(model, fields)
        if key in tables[model]:
            raise BundleError(where, f"{item['model']} {list(key)} comes twice", EXPORT_AGAIN)
        tables[model][key] = fields
    return _consistent(files, tables)


def _checked_fields(where: str, known: Mapping[str, models.Field[Any, Any]], fields: Fields) -> Fields:
    for name in sorted(fields.keys() - known.keys()):
        raise BundleError(f"{where}: {name}", f"unknown field (known: {', '.join(known)})", EXPORT_AGAIN)
    for name in sorted(known.keys() - fields.keys()):
        raise BundleError(f"{where}: {name}", "the field is missing", EXPORT_AGAIN)
    return {name: _checked_value(f"{where}: {name}", known[name], value) for name, value in fields.items()}


def _checked_value(where: str, known: models.Field[Any, Any], value: Any) -> Any:
    if value is None and known.null:
        return None
    if isinstance(known, models.ForeignKey):
        if not isinstance(value, list) or not value or not all(isinstance(part, str) for part in value):
            raise BundleError(where, f"{value!r} is not a natural key (a list of texts)", EXPORT_AGAIN)
        return tuple(value)
    if not _has_type(known, value):
        raise BundleError(where, f"{value!r} has the wrong type", EXPORT_AGAIN)
    try:
        return known.clean(value, None)
    except ValidationError as error:
        raise BundleError(where, f"{value!r}: {' '.join(error.messages)}", EXPORT_AGAIN) from error


def _has_type(known: models.Field[Any, Any], value: Any) -> bool:
    if isinstance(known, models.BooleanField):
        return isinstance(value, bool)
    if isinstance(known, models.IntegerField):
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(known, models.FloatField):
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if isinstance(known, models.JSONField):
        return isinstance(value, dict)
    return isinstance(value, str)


def _consistent(files: BundleFiles, tables: Mapping[type[models.Model], dict[Key, Fields]]) -> Rows:
    studies = tables[Study]
    if list(studies) != [(files.study,)]:
        raise BundleError(FIXTURE, f"does not hold the one study {files.study!r} of the manifest", EXPORT_AGAIN)
    for model, rows in tables.items():
        references = {
            item.name: tables[item.related_model]
            for item in bundle_fields(model).values()
            if isinstance(item, models.ForeignKey) and isinstance(item.related_model, type)
        }
        for key, fields in rows.items():
            for name, targets in references.items():
                if fields[name] not in targets:
                    where = f"{FIXTURE}: {model._meta.label_lower} {list(key)}: {name}"
                    raise BundleError(where, f"{list(fields[name])} is not in the fixture", EXPORT_AGAIN)
    result = Rows(studies[files.study,], tables[Picture], tables[Condition], tables[Image], tables[Pair], tables[Trial])
    _check_pictures(files, result)
    for key, fields in result.trials.items():
        if fields["trial_type"] not in TRIAL_TYPES:
            where = f"{FIXTURE}: studies.trial {list(key)}: trial_type"
            raise BundleError(where, f"unknown {fields['trial_type']!r}", f"use one of {', '.join(TRIAL_TYPES)}")
        if fields["kind"] != Trial.Kind.MAIN:
            where = f"{FIXTURE}: studies.trial {list(key)}: kind"
            raise BundleError(where, f"{fields['kind']!r} trials come from a protocol alone", 'use "main"')
    return result


def _check_pictures(files: BundleFiles, rows: Rows) -> None:
    for (digest,), fields in rows.pictures.items():
        where = f"{FIXTURE}: studies.picture {digest}"
        if digest not in files.sizes:
            raise BundleError(where, "media has no such file in the manifest", EXPORT_AGAIN)
        if files.sizes[digest] != (fields["width"], fields["height"]):
            width, height = files.sizes[digest]
            raise BundleError(where, f"the file has {width} x {height} pixels", EXPORT_AGAIN)
    for key, fields in rows.pairs.items():
        pictures = (fields["original"], fields["finetuned"], rows.images[fields["image"]]["picture"])
        if len(_sizes(files, pictures)) > 1:
            where = f"{FIXTURE}: studies.pair {list(key)}"
            raise BundleError(where, "its pictures differ in size", EXPORT_AGAIN)


def _sizes(files: BundleFiles, keys: Iterable[Key]) -> set[tuple[int, int]]:
    return {files.sizes[digest] for (digest,) in keys}
