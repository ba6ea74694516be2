"""Every check, by the name under which it is reported, and asking them all."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError

from harmony_app.doctor import (
    of_backups,
    of_database,
    of_queue,
    of_retention,
    of_settings,
    of_software,
    of_storage,
    of_studies,
)
from harmony_app.doctor.result import Check, Result, State, fail

CHECKS: Mapping[str, Check] = {
    "debug": of_settings.debug,
    "secret key": of_settings.secret_key,
    "hosts": of_settings.hosts,
    "https": of_settings.https,
    "csrf origins": of_settings.csrf_origins,
    "proxies": of_settings.proxies,
    "static files": of_settings.static_files,
    "packages": of_software.packages,
    "database": of_database.reachable,
    "migrations": of_database.migrations,
    "durability": of_database.durability,
    "rights": of_database.rights,
    "clock": of_database.clock,
    "media": of_storage.media_round_trip,
    "builds": of_storage.builds_round_trip,
    "disk": of_storage.free_space,
    "pictures": of_storage.pictures,
    "broker": of_queue.reachable,
    "workers": of_queue.workers,
    "queues": of_queue.backlog,
    "failures": of_queue.failures,
    "studies": of_studies.places,
    "retention": of_retention.overdue,
    "backup": of_backups.last_backup,
}


@dataclass(frozen=True)
class Found:
    """A finding under the name of its check."""

    check: str
    result: Result


def examine() -> Iterator[Found]:
    """Ask every check; one that cannot be asked, as the database is away or a folder is closed, says so."""
    for name, check in CHECKS.items():
        try:
            for result in check():
                yield Found(name, result)
        except (DatabaseError, InterfaceError) as error:
            # The text of the error may hold an address; its kind does not.
            text = f"the database does not answer ({type(error).__name__}), so this was not looked at"
            yield Found(name, fail(text, "start the database, correct DATABASE_URL, or run `manage.py migrate`"))
        except OSError as error:
            yield Found(name, fail(f"this cannot be looked at: {error}", "give the server's user the right to read it"))


def is_healthy(found: list[Found]) -> bool:
    return all(one.result.state is not State.FAIL for one in found)
