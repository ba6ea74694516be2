"""Where a bundle is put in order before the site's database hears of it: a private SQLite database of one process.

It lies in a file without a name, in the folder for temporary files, as soon as it outgrows its small cache. So memory
does not grow with the bundle, and nothing is left behind when the process dies.
"""

# ruff: noqa: S608 - statements are put together from the names of models and their fields alone.

import errno
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

Row = tuple[Any, ...]

CACHE_KIBIBYTES = 16 * 1024
# So many rows are in memory at a time.
BATCH = 2_000


class Scratch:
    """Tables by name. Statements must not fail halfway, as they cannot be taken back."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect("", isolation_level=None)
        for setting in ("journal_mode=OFF", "temp_store=FILE", f"cache_size=-{CACHE_KIBIBYTES}"):
            self.connection.execute(f"PRAGMA {setting}")
        self.connection.execute("BEGIN")

    def run(self, statement: str, values: Iterable[Any] = ()) -> None:
        self.connection.execute(statement, tuple(values))

    def run_all(self, statement: str, rows: Iterable[Row]) -> None:
        self.connection.executemany(statement, rows)

    def first(self, statement: str, values: Iterable[Any] = ()) -> Row | None:
        row: Row | None = self.connection.execute(statement, tuple(values)).fetchone()
        return row

    def rows(self, statement: str, values: Iterable[Any] = ()) -> Iterator[Row]:
        yield from self.connection.execute(statement, tuple(values))

    def batches(self, statement: str, size: int = BATCH) -> Iterator[list[Row]]:
        """Give what the statement selects in lists of so many rows; the tables it reads must not change meanwhile."""
        cursor = self.connection.execute(statement)
        while batch := cursor.fetchmany(size):
            yield batch

    def count(self, table: str) -> int:
        row = self.first(f"SELECT count(*) FROM {table}")
        return int(row[0]) if row else 0

    def close(self) -> None:
        self.connection.close()


@contextmanager
def opened_scratch() -> Iterator[Scratch]:
    """Give empty scratch, gone at the end. A full disk is an OSError that names the folder."""
    scratch = Scratch()
    try:
        yield scratch
    except sqlite3.OperationalError as error:
        folder = tempfile.gettempdir()
        raise OSError(
            errno.ENOSPC,
            f"a bundle cannot be put in order in {folder} ({error}); make room there or set TMPDIR to another folder",
        ) from error
    finally:
        scratch.close()
