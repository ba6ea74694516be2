"""Writing the rows of one table."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection as site_connection
from django.db import models
from django.db.models import sql

from harmony_app.backups.manifest import BackupError, TableFile
from harmony_app.backups.sources import Source
from harmony_app.backups.tables import ALIAS, Model, columns_of, decoded, header_of
from harmony_app.backups.verifying import table_rows

ROWS_AT_ONCE = 1000


def load_table(source: Source, table: TableFile, model: Model) -> None:
    """Insert the rows as they are: with their keys and times, past what models do when they are saved."""
    fields = columns_of(model)
    names = [field.attname for field in fields]
    at_once = min(ROWS_AT_ONCE, site_connection.ops.bulk_batch_size(fields, [None] * ROWS_AT_ONCE))
    rows = table_rows(source, table, header_of(model))
    while batch := list(islice(rows, at_once)):
        _insert(model, fields, [model.from_db(ALIAS, names, _decoded(row, fields, table)) for row in batch])


def _decoded(row: list[Any], fields: list[models.Field[Any, Any]], table: TableFile) -> list[Any]:
    try:
        return [decoded(value, field) for value, field in zip(row, fields, strict=True)]
    except (ValueError, TypeError, ValidationError) as error:
        raise BackupError(f"{table.file}: the row {str(row)[:100]} cannot be read: {error}") from error


def _insert(model: Model, fields: list[models.Field[Any, Any]], rows: list[models.Model]) -> None:
    query = sql.InsertQuery(model)
    # Raw: no field puts in a value of its own, such as the present time.
    query.insert_values(fields, rows, raw=True)
    query.get_compiler(using=ALIAS).execute_sql()
