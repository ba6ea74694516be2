"""Many rows into the database at once: COPY and arrays on PostgreSQL, one prepared statement elsewhere."""

# ruff: noqa: S608 - statements are put together from the names of models and their fields alone.

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connection, models

Row = tuple[Any, ...]

BATCH = 2_000
# What ends a column or a row in COPY's text format, and what begins an escape.
ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def in_batches(rows: Iterable[Row], size: int = BATCH) -> Iterator[list[Row]]:
    """Give the rows in lists of so many."""
    left = iter(rows)
    while batch := list(islice(left, size)):
        yield batch


def rows_insert(*, model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows of a model; a row has texts, numbers, booleans and None for the named columns."""
    names = ", ".join(connection.ops.quote_name(name) for name in columns)
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors:
                cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN", _CopyText(rows))
            return
        places = ", ".join(["%s"] * len(columns))
        # In batches, as Django keeps what it has given to `executemany`.
        for batch in in_batches(rows):
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", batch)


def arrays(kinds: Sequence[str], rows: Sequence[Row]) -> tuple[str, list[list[Any]]]:
    """Return PostgreSQL's `unnest` of the rows' columns, which have these types, and its parameters."""
    wanted = ", ".join(f"%s::{kind}[]" for kind in kinds)
    return f"unnest({wanted})", [list(column) for column in zip(*rows, strict=True)]


class _CopyText:
    """Rows as a file of COPY's text format."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.batches = in_batches(rows, 500)

    def read(self, size: int) -> bytes:
        """Return the next rows, b"" at the end. `size` is only what the reader likes best."""
        lines = ["\t".join(map(_cell, row)) for row in next(self.batches, [])]
        return ("\n".join(lines) + "\n").encode() if lines else b""


def _cell(value: Any) -> str:
    if value is None:
        return r"\N"
    # Python writes floats with as many digits as are needed to read the same float again.
    return value.translate(ESCAPES) if type(value) is str else repr(value)
