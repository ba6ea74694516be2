"""Django's settings for the database that an address names."""

from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured


def database(url: str) -> dict[str, Any]:
    """Return Django's settings for a SQLite or PostgreSQL address; any other kind raises."""
    remedy = "use sqlite:////folder/file or postgresql://user:password@host/name"
    scheme = url.partition(":")[0]
    try:
        parsed: dict[str, Any] = dict(dj_database_url.parse(url))
    except ValueError as error:
        # The address is not repeated as a whole: it may hold a password.
        raise ImproperlyConfigured(f"DATABASE_URL={scheme!r}... cannot be read; {remedy}") from error
    if parsed["ENGINE"] == "django.db.backends.sqlite3":
        parsed["OPTIONS"] = {
            # A transaction takes the write lock at once and waits for it: no "database is locked" half-way through.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # FULL: an acknowledged answer is on the disk even if the machine loses power the next moment.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
        parsed["CONN_MAX_AGE"] = 600
    elif parsed["ENGINE"] == "django.db.backends.postgresql":
        parsed["CONN_MAX_AGE"] = 600
        parsed["CONN_HEALTH_CHECKS"] = True
    else:
        raise ImproperlyConfigured(f"DATABASE_URL={scheme!r}... is neither SQLite nor PostgreSQL; {remedy}")
    return parsed
