"""Tables as CSV, JSON lines and Parquet."""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Any

from studies.exports.columns import COLUMNS, Column, names
from studies.exports.facts import Row
from studies.exports.formulas import neutralised

ROWS_AT_ONCE = 1000
ROWS_OF_A_GROUP = 5000


def time_text(value: datetime) -> str:
    """Return the time as ISO 8601 in UTC, in microseconds."""
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat("T", "microseconds")[: -len("+00:00")] + "Z"


def csv_chunks(table: str, rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield the table as UTF-8 CSV in pieces, the header first. What is undefined is empty.

    Texts are kept from being run as formulas; numbers stay numbers, truths are 1 and 0.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names(table))
    source = iter(rows)
    while batch := list(islice(source, ROWS_AT_ONCE)):
        cells = zip(*batch, strict=True)
        writer.writerows(zip(*map(_csv_cells, COLUMNS[table], cells), strict=True))
        # What no UTF-8 can hold is no reason to fail in the middle of a file.
        yield text.getvalue().encode("utf-8", "replace")
        text.seek(0)
        text.truncate()
    # The header of a table without rows.
    yield text.getvalue().encode()


def _csv_cells(column: Column, cells: Sequence[Any]) -> Iterable[object]:
    """Return a column's cells as the CSV writer takes them."""
    if column.kind == "time":
        return [None if cell is None else time_text(cell) for cell in cells]
    # Values of a column that names all there are come from nobody's keyboard.
    if column.kind in ("integer", "number") or column.levels:
        return cells
    convert = int if column.kind == "truth" else neutralised
    # Most of them come many times.
    converted = {cell: None if cell is None else convert(cell) for cell in set(cells)}
    return map(converted.__getitem__, cells)


def plain(value: object) -> object:
    """Return a cell as JSON has it."""
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def json_bytes(value: object) -> bytes:
    """Return the value as JSON on one line."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def jsonl_chunks(table: str, rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield the table as JSON objects, one a line, in pieces; texts as they are."""
    columns = names(table)
    source = iter(rows)
    while batch := list(islice(source, ROWS_AT_ONCE)):
        lines = [json_bytes(dict(zip(columns, map(plain, row), strict=True))) for row in batch]
        yield b"\n".join(lines) + b"\n"


def write_parquet(table: str, rows: Iterable[Row], file: IO[bytes]) -> None:
    """Write the table as Parquet; texts as they are, and each column with its description."""
    # Imported here: Arrow takes a moment that web workers, which mostly serve trials, should not wait for.
    import pyarrow as pa
    from pyarrow import parquet

    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "truth": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema(
        [
            pa.field(column.name, types[column.kind], metadata={"description": column.description})
            for column in COLUMNS[table]
        ]
    )
    source = iter(rows)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while batch := list(islice(source, ROWS_OF_A_GROUP)):
            values = zip(*batch, strict=True)
            arrays = [pa.array(cells, field.type) for cells, field in zip(values, schema, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
