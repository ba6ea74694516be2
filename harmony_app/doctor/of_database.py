"""The database: whether it answers, is up to date, and keeps what it has acknowledged."""

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection as site_connection
from django.db.migrations.executor import MigrationExecutor

from harmony_app.doctor.result import Result, fail, ok, warn

MOST_SKEW_SECONDS = 5.0
LEAST_POSTGRES = 14


def reachable() -> Iterator[Result]:
    site_connection.ensure_connection()
    if site_connection.vendor != "postgresql":
        yield ok("SQLite answers")
        return
    major, minor = divmod(site_connection.pg_version, 10_000)  # type: ignore[attr-defined]
    if major < LEAST_POSTGRES:
        yield fail(f"PostgreSQL {major}.{minor} is too old", f"use PostgreSQL {LEAST_POSTGRES} or later")
    else:
        yield ok(f"PostgreSQL {major}.{minor} answers")


def migrations() -> Iterator[Result]:
    executor = MigrationExecutor(site_connection)
    unknown = sorted(set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations))
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        yield fail(
            f"{len(missing)} migrations are not applied, the first is {missing[0][0]}", "run `manage.py migrate`"
        )
    elif unknown:
        yield warn(
            f"the database has the migration {'.'.join(unknown[0])}, which this version does not know",
            "run the version of Harmony that the database belongs to",
        )
    else:
        yield ok("all migrations are applied")


def durability() -> Iterator[Result]:
    if site_connection.vendor == "postgresql":
        remedy = "set it to on in postgresql.conf: otherwise answers that were acknowledged are lost in a crash"
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            value = _one(f"SHOW {name}")
            if value in ("off", "false"):
                yield fail(f"PostgreSQL has {name}={value}", remedy)
            else:
                yield ok(f"PostgreSQL has {name}={value}")
        return
    mode, synchronous = _one("PRAGMA journal_mode"), int(_one("PRAGMA synchronous"))
    if mode not in ("wal", "memory"):
        yield fail(
            f"SQLite has journal_mode={mode}: readers and writers wait for each other",
            "put the database on a local disk, not on a network drive; or use PostgreSQL",
        )
    elif synchronous < 2:
        yield fail(f"SQLite has synchronous={synchronous}", "take away what sets it lower than FULL (2)")
    else:
        yield ok(f"SQLite has journal_mode={mode}, synchronous={synchronous}")


def rights() -> Iterator[Result]:
    """Whether other users of this machine can read the file of a SQLite database, which holds who people are."""
    file = Path(str(site_connection.settings_dict["NAME"]))
    if site_connection.vendor != "sqlite" or not file.is_file():
        yield ok("the database is no file of this machine")
    elif is_open_to_others(file):
        yield warn(
            f"every user of this machine can read the database, {file}: names, password hashes, sessions, answers",
            f"run `chmod 700 {file.parent}`, or where others need that folder, `chmod 600 {file}*`",
        )
    else:
        yield ok("other users of this machine cannot read the database")


def is_open_to_others(file: Path) -> bool:
    """Whether a user who is neither the owner nor of the group can come to the file and read it."""
    path = file.resolve()
    may_pass = all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)
    return may_pass and bool(path.stat().st_mode & stat.S_IROTH)


def clock() -> Iterator[Result]:
    if site_connection.vendor != "postgresql":
        yield ok("SQLite has the clock of this machine")
        return
    with site_connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    yield skew("the database", row[0])


def skew(whose: str, time: datetime) -> Result:
    """Compare a clock with this machine's."""
    seconds = (time - datetime.now(UTC)).total_seconds()
    if abs(seconds) > MOST_SKEW_SECONDS:
        where = "ahead of" if seconds > 0 else "behind"
        return fail(f"the clock of {whose} is {abs(seconds):.0f} s {where} this machine's", "run NTP on both machines")
    return ok(f"the clocks of {whose} and this machine agree")


def _one(query: str) -> str:
    with site_connection.cursor() as cursor:
        cursor.execute(query)
        return str(cursor.fetchone()[0])
