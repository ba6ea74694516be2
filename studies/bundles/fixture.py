"""The fixture of a bundle: every object checked against the models, and put into scratch, before anything is written.

Scratch has a table for each model: `n` (the place in the fixture), `natural_key`, the fields, and `pk`
(the primary key, once there is one). References are natural keys.
"""

# ruff: noqa: S608 - statements are put together from the names of models and their fields alone.

import json
from collections.abc import Callable, Sequence
from typing import Any

from django.db import models

from studies.bundles.errors import EXPORT_AGAIN, BundleError
from studies.bundles.fields import ODD, SEPARATOR, bundle_fields, checked_fields, quick_check
from studies.bundles.files import FIXTURE, Bundle, json_stream
from studies.bundles.scratch import BATCH, Row
from studies.models import Condition, Image, Pair, Picture, Study, Trial

MODELS: dict[str, type[models.Model]] = {
    f"studies.{model._meta.model_name}": model for model in (Study, Picture, Condition, Image, Pair, Trial)
}
NATURAL: dict[type[models.Model], tuple[str, ...]] = {
    Study: ("slug",),
    Picture: ("digest",),
    Condition: ("study", "dataset", "metric", "network", "attributor"),
    Image: ("study", "name"),
    Pair: ("condition", "image"),
    Trial: ("study", "key"),
}


def table(model: type[models.Model]) -> str:
    """Return the name of a model's table in scratch."""
    return str(model._meta.model_name)


def natural_key(model: type[models.Model], fields: dict[str, Any]) -> str:
    """Return the natural key of an object whose fields are checked, as one text."""
    if model is Pair:
        # The image's study is the condition's.
        return SEPARATOR.join((fields["condition"], fields["image"].partition(SEPARATOR)[2]))
    return SEPARATOR.join([fields[name] for name in NATURAL[model]])


def told_key(natural: str) -> list[str]:
    """Return a natural key as messages show it."""
    return natural.split(SEPARATOR)


def read_fixture(bundle: Bundle) -> None:
    """Put the fixture's objects into scratch; raises BundleError for anything that the models do not allow."""
    takers = {label: _Taker(label, model, bundle) for label, model in MODELS.items()}
    with json_stream(bundle.folder / FIXTURE) as stream:
        if stream.next_character() != "[":
            raise BundleError(FIXTURE, "is not a list of objects", EXPORT_AGAIN)
        for number, item in enumerate(stream.items()):
            where = f"{FIXTURE}: object {number}"
            if type(item) is not dict or item.keys() != {"model", "fields"} or type(item["fields"]) is not dict:
                raise BundleError(where, 'has other entries than "model" and "fields"', EXPORT_AGAIN)
            label = item["model"]
            taker = takers.get(label) if type(label) is str else None
            if taker is None:
                raise BundleError(where, f"unknown model {label!r} (known: {', '.join(MODELS)})", EXPORT_AGAIN)
            taker.take(number, item["fields"])
        stream.end()
    for taker in takers.values():
        taker.end()


class _Taker:
    """Checks the objects of one model, and puts them into scratch many at a time."""

    def __init__(self, label: str, model: type[models.Model], bundle: Bundle) -> None:
        self.label = label
        self.model = model
        self.known = bundle_fields(model)
        self.checks: Sequence[tuple[str, Callable[[Any], Any]]] = [
            (name, quick_check(known)) for name, known in self.known.items()
        ]
        self.scratch = bundle.scratch
        self.rows: list[Row] = []
        columns = ", ".join(f'"{name}"' for name in self.known)
        self.scratch.run(f"CREATE TABLE {table(model)} (n INTEGER PRIMARY KEY, natural_key, {columns}, pk)")
        places = ", ".join("?" * (len(self.known) + 2))
        self.statement = f"INSERT INTO {table(model)} (n, natural_key, {columns}) VALUES ({places})"

    def take(self, number: int, fields: dict[str, Any]) -> None:
        values = self._checked(number, fields)
        stored = [json.dumps(value) if type(value) is dict else value for value in values.values()]
        self.rows.append((number, natural_key(self.model, values), *stored))
        if len(self.rows) == BATCH:
            self._put()

    def _checked(self, number: int, fields: dict[str, Any]) -> dict[str, Any]:
        if len(fields) == len(self.known):
            values = {name: check(fields.get(name, ODD)) for name, check in self.checks}
            if not any(value is ODD for value in values.values()):
                return values
        checked = checked_fields(f"{FIXTURE}: object {number} ({self.label})", self.known, fields)
        return {name: checked[name] for name in self.known}

    def _put(self) -> None:
        self.scratch.run_all(self.statement, self.rows)
        self.rows.clear()

    def end(self) -> None:
        self._put()
        name = table(self.model)
        self.scratch.run(f'CREATE INDEX "{self.model._meta.model_name} by key" ON {name} (natural_key)')
        twice = self.scratch.first(f"SELECT natural_key FROM {name} GROUP BY natural_key HAVING count(*) > 1 LIMIT 1")
        if twice is not None:
            rows = self.scratch.rows(f"SELECT n FROM {name} WHERE natural_key = ? ORDER BY n", twice)
            number = [n for (n,) in rows][1]
            problem = f"{self.label} {told_key(twice[0])} comes twice"
            raise BundleError(f"{FIXTURE}: object {number}", problem, EXPORT_AGAIN)
