"""manage.py compute_report RUN ATTEMPT: compute what was asked for on a page. The site starts this itself."""

import os
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from analysis.running import run_wait
from studies.machine_slot import REPORTS, machine_slot

NICE = 10
"""Annotators who are answering on the same machine come first."""


class Command(BaseCommand):
    help = "Compute a report that was asked for on its page. The site starts this itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int, help="key of the run")
        parser.add_argument("attempt", type=int, help="which attempt of it")

    def handle(self, *args: Any, **options: Any) -> None:
        os.nice(NICE)
        asked = {"run_id": options["run"], "attempt": options["attempt"]}
        with machine_slot(REPORTS, wait=partial(run_wait, **asked)) as has_place:
            run = None
            if has_place:
                # Imported with a place only: whoever waits takes little memory.
                from analysis.computing import compute_run

                run = compute_run(**asked)
        if run is None:
            self.stdout.write("there is nothing to compute: the run is somebody else's by now")
