"""The rows of a bundle, from scratch into the database. The caller has a transaction open."""

# ruff: noqa: S608 - statements are put together from the names of models and their fields alone.

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection, models

from studies.bundles.files import Bundle
from studies.bundles.fixture import table
from studies.bundles.scratch import Row, Scratch
from studies.bundles.stored import FEW
from studies.models import Condition, Image, Pair, Picture, Study, Trial
from studies.services.bulk_rows import BATCH, arrays, in_batches, rows_insert

# Those of a pair that are no references.
PAIR_FIELDS = (
    "score_original",
    "score_finetuned",
    "target",
    "prediction_original",
    "prediction_finetuned",
    "confidence_original",
    "confidence_finetuned",
)
PAIRS = f"""
SELECT condition.pk, image.pk, original.pk, finetuned.pk, {", ".join(f"pair.{name}" for name in PAIR_FIELDS)}
FROM pair
JOIN condition ON condition.natural_key = pair.condition
JOIN image ON image.natural_key = pair.image
JOIN picture original ON original.natural_key = pair.original
JOIN picture finetuned ON finetuned.natural_key = pair.finetuned
ORDER BY pair.n
"""
TRIALS = """
SELECT trial."key", trial.trial_type, condition.pk, image.pk
FROM trial
JOIN pair ON pair.natural_key = trial.pair
JOIN condition ON condition.natural_key = pair.condition
JOIN image ON image.natural_key = pair.image
ORDER BY trial.n
"""


def bundle_rows_insert(*, bundle: Bundle, study: Study) -> None:
    """Write pictures, conditions, images, pairs and trials of a study that has none.

    Pictures that other studies brought along are used again.
    """
    scratch = bundle.scratch
    _insert_pictures(scratch)
    _insert_conditions(scratch, study)
    _insert_images(scratch, study)
    columns = ["condition_id", "image_id", "original_id", "finetuned_id", *PAIR_FIELDS]
    rows_insert(model=Pair, columns=columns, rows=scratch.rows(PAIRS))
    _insert_trials(scratch, study)


def _keep(scratch: Scratch, model: type[models.Model], keys: list[tuple[int, int]]) -> None:
    """Keep primary keys with the places of their rows in the fixture."""
    scratch.run_all(f"UPDATE {table(model)} SET pk = ? WHERE n = ?", keys)


def _after(scratch: Scratch, statement: str, size: int) -> Iterator[list[Row]]:
    """Give batches of a table that is changed meanwhile; `statement` selects what comes after a first column."""
    last: int | str = -1
    while batch := list(scratch.rows(f"{statement} LIMIT {size}", (last,))):
        yield batch
        last = batch[-1][0]


def _insert_pictures(scratch: Scratch) -> None:
    """Write the pictures that are not there; always by digest, so that two imports never wait for each other."""
    select = "SELECT natural_key, n, width, height FROM picture WHERE natural_key > ? ORDER BY natural_key"
    target = f"INSERT INTO {Picture._meta.db_table} (digest, width, height)"
    conflict = "ON CONFLICT (digest) DO NOTHING"
    for batch in _after(scratch, select, FEW):
        rows = [(digest, width, height) for digest, _, width, height in batch]
        keys: dict[str, int] = {}
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                source, values = arrays(("text", "integer", "integer"), rows)
                cursor.execute(f"{target} SELECT * FROM {source} {conflict} RETURNING digest, id", values)
                keys.update(cursor.fetchall())
            else:
                cursor.executemany(f"{target} VALUES (%s, %s, %s) {conflict}", rows)
        others = [digest for digest, *_ in rows if digest not in keys]
        if others:
            keys.update(Picture.objects.filter(digest__in=others).values_list("digest", "pk"))
        _keep(scratch, Picture, [(keys[digest], number) for digest, number, *_ in batch])


def _insert_conditions(scratch: Scratch, study: Study) -> None:
    names = ("dataset", "metric", "network", "attributor", "direction", "improved", "summary")
    select = f"SELECT n, {', '.join(names)} FROM condition WHERE n > ? ORDER BY n"
    for batch in _after(scratch, select, BATCH):
        told = [dict(zip(names, values, strict=True)) for _, *values in batch]
        rows = Condition.objects.bulk_create(
            Condition(
                **{
                    **fields,
                    "study": study,
                    "improved": bool(fields["improved"]),
                    "summary": json.loads(fields["summary"]),
                }
            )
            for fields in told
        )
        _keep(scratch, Condition, [(row.pk, number) for row, (number, *_) in zip(rows, batch, strict=True)])


def _insert_images(scratch: Scratch, study: Study) -> None:
    select = (
        "SELECT image.n, image.name, image.label, picture.pk FROM image "
        "JOIN picture ON picture.natural_key = image.picture WHERE image.n > ? ORDER BY image.n"
    )
    for batch in _after(scratch, select, BATCH):
        rows = Image.objects.bulk_create(
            Image(study=study, name=name, label=label, picture_id=picture) for _, name, label, picture in batch
        )
        _keep(scratch, Image, [(row.pk, number) for row, (number, *_) in zip(rows, batch, strict=True)])


def _insert_trials(scratch: Scratch, study: Study) -> None:
    """Write the trials of the pairs that are there; the database finds the pairs."""
    constant: dict[str, Any] = {"study_id": study.pk, "kind": Trial.Kind.MAIN.value, **_bookkeeping()}
    names = ", ".join(connection.ops.quote_name(name) for name in (*constant, "key", "trial_type", "pair_id"))
    places = ", ".join(["%s"] * len(constant))
    target = f"INSERT INTO {Trial._meta.db_table} ({names}) SELECT {places}"
    for batch in in_batches(scratch.rows(TRIALS)):
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                source, values = arrays(("text", "text", "bigint", "bigint"), batch)
                cursor.execute(
                    f"{target}, told.name, told.kind, pair.id "
                    f"FROM {source} WITH ORDINALITY AS told (name, kind, condition_id, image_id, place) "
                    f"JOIN {Pair._meta.db_table} pair USING (condition_id, image_id) ORDER BY told.place",
                    [*constant.values(), *values],
                )
            else:
                cursor.executemany(
                    f"{target}, %s, %s, id FROM {Pair._meta.db_table} WHERE condition_id = %s AND image_id = %s",
                    [(*constant.values(), *row) for row in batch],
                )


def _bookkeeping() -> dict[str, object]:
    """Return what the site's own columns of a new trial hold."""
    fresh = Trial()
    return {name: getattr(fresh, name) for name in Trial.bookkeeping_columns()}
