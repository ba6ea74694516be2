"""manage.py run_build KEY ATTEMPT: do a build on this machine. The site starts this itself."""

import os
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from studies.builds.local import EndedError, build_run

NICE = 10
"""Annotators who are answering on the same machine come first."""


class Command(BaseCommand):
    help = "Does a build on this machine, step by step. The site starts this itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("build", type=UUID, help="the build's key")
        parser.add_argument("attempt", type=int, help="which attempt of it")

    def handle(self, *args: Any, **options: Any) -> None:
        os.nice(NICE)
        try:
            if not build_run(key=options["build"], attempt=options["attempt"]):
                self.stdout.write("there is nothing to do: the build has ended, or another process does it")
        except EndedError as error:
            raise CommandError(f"{error}; the build can be tried again") from error
