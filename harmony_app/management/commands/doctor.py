"""Look the deployment over: `manage.py doctor [--json]`."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from harmony_app.doctor.checks import examine, is_healthy
from harmony_app.doctor.result import State


class Command(BaseCommand):
    help = (
        "Checks settings, database, storage, queue, workers and backups, and says what to fix. Ends with status 1 if "
        "anything fails; warnings leave it at 0."
    )
    # It has to work where these would stop it.
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print a list of objects, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(examine())
        if options["json"]:
            rows = [
                {"check": one.check, "state": one.result.state, "text": one.result.text, "remedy": one.result.remedy}
                for one in found
            ]
            self.stdout.write(json.dumps(rows, indent=1))
        else:
            for one in found:
                self.stdout.write(f"{one.result.state:<4}  {one.check}: {one.result.text}")
                if one.result.state is not State.OK:
                    self.stdout.write(f"      -> {one.result.remedy}")
        if not is_healthy(found):
            sys.exit(1)
