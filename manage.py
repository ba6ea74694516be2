#!/usr/bin/env python
"""Django's command line for Harmony."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harmony_app.settings")
    # The web server starts commands that outlive it, and this folder of its counts does not.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    from django.core.management import execute_from_command_line
    from django.db.utils import OperationalError, ProgrammingError

    from studies.media import StorageFailedError

    try:
        execute_from_command_line(sys.argv)
    except StorageFailedError as error:
        sys.exit(str(error))
    except (OperationalError, ProgrammingError) as error:
        # SQLite's and PostgreSQL's words for it.
        if "no such table" not in str(error) and "does not exist" not in str(error):
            raise
        from django.conf import settings

        reason = str(error).strip().splitlines()[0]
        sys.exit(
            f"The database has no tables yet, or old ones ({reason}). Run `python manage.py migrate`, or set "
            f"HARMONY_DATA_DIR (now {settings.DATA_DIR}) or DATABASE_URL to the database you mean."
        )


if __name__ == "__main__":
    main()
