"""Tables as CSV, JSON lines and Parquet."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Any

from studies.exports.columns import COLUMNS, Kind, names
from studies.exports.facts import Row
from studies.exports.formulas import neutralised

ROWS_AT_ONCE = 1000
ROWS_OF_A_GROUP = 5000


def time_text(value: datetime) -> str:
    """Return the time as ISO 8601 in UTC, in microseconds."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def csv_chunks(table: str, rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield the table as UTF-8 CSV in pieces, the header first. What is undefined is empty.

    Texts are kept from being run as formulas; numbers stay numbers, truths are 1 and 0.
    """
    converted = [(place, _CELLS[column.kind]) for place, column in enumerate(COLUMNS[table]) if column.kind in _CELLS]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names(table))
    source = iter(rows)
    while True:
        batch = [list(row) for row in islice(source, ROWS_AT_ONCE)]
        for cells in batch:
            for place, convert in converted:
                value = cells[place]
                if value is not None:
                    cells[place] = convert(value)
        writer.writerows(batch)
        # What no UTF-8 can hold is no reason to fail in the middle of a file.
        yield text.getvalue().encode("utf-8", "replace")
        text.seek(0)
        text.truncate()
        if len(batch) < ROWS_AT_ONCE:
            return


_CELLS: dict[Kind, Callable[[Any], object]] = {"text": neutralised, "truth": int, "time": time_text}


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
