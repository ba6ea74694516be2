"""Delete what builds have left in the shared storage: `manage.py tidy_builds [--days N] [--yes]`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studies.builds.storage import STORAGE_ERRORS
from studies.builds.tidying import left_runs, run_tidy


class Command(BaseCommand):
    help = (
        "Deletes the chunks of maps and scores that finished builds have left in the shared storage. Fine-tuned "
        "networks and bundles stay. Says what it would delete unless --yes is given."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=30, help="keep those of unfinished builds of these days (30)")
        parser.add_argument("--yes", action="store_true", help="delete")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 0:
            raise CommandError("--days: give 0 or more")
        try:
            runs = left_runs(days=options["days"])
            for run in runs:
                if run.is_needed:
                    self.stdout.write(f"{run.run}: {run.chunks} chunks are kept: an unfinished build may need them")
                    continue
                if options["yes"]:
                    run_tidy(run=run)
                verb = "deleted" if options["yes"] else "can be deleted"
                self.stdout.write(f"{run.run}: {run.chunks} chunks {verb}")
        except STORAGE_ERRORS as error:
            raise CommandError(f"the storage of builds: {error}") from error
        if not options["yes"] and any(not run.is_needed for run in runs):
            self.stdout.write("nothing was deleted; give --yes")
        if not runs:
            self.stdout.write("there are no chunks in the storage")
