"""Delete what builds have left in the shared storage: `manage.py tidy_builds [--days N] [--networks N] [--yes]`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from studies.builds.storage import STORAGE_ERRORS
from studies.builds.tidying import folder_tidy, left_folders, left_networks, left_runs, networks_tidy, run_tidy


class Command(BaseCommand):
    help = (
        "Deletes the chunks of maps and scores that finished builds have left in the shared storage, what was left of "
        "removed builds, and, with --networks, fine-tuned networks that are old. Bundles and studies stay. Says what "
        "it would delete unless --yes is given."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=30, help="keep those of unfinished builds of these days (30)")
        parser.add_argument(
            "--networks",
            type=int,
            metavar="DAYS",
            help="also fine-tuned networks that were written so many days ago: a later build of the same config "
            "fine-tunes again",
        )
        parser.add_argument("--yes", action="store_true", help="delete")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("days", "networks"):
            if options[name] is not None and options[name] < 0:
                raise CommandError(f"--{name}: give 0 or more")
        try:
            can_be_deleted = self._chunks(options["days"], is_meant=options["yes"])
            can_be_deleted |= self._folders(is_meant=options["yes"])
            if options["networks"] is not None:
                can_be_deleted |= self._networks(options["days"], options["networks"], is_meant=options["yes"])
        except STORAGE_ERRORS as error:
            raise CommandError(f"the storage of builds: {error}") from error
        if not options["yes"] and can_be_deleted:
            self.stdout.write("nothing was deleted; give --yes")

    def _chunks(self, days: int, *, is_meant: bool) -> bool:
        """Say of each run's chunks what becomes of them; whether any can be deleted."""
        runs = left_runs(days=days)
        if not runs:
            self.stdout.write("there are no chunks in the storage")
        for run in runs:
            if run.is_needed:
                self.stdout.write(f"{run.run}: {run.chunks} chunks are kept: an unfinished build may need them")
                continue
            if is_meant:
                run_tidy(run=run)
            self.stdout.write(f"{run.run}: {run.chunks} chunks {_verb(is_meant)}")
        return any(not run.is_needed for run in runs)

    def _folders(self, *, is_meant: bool) -> bool:
        """Say of each folder that a removed build has left what becomes of it; whether there is any."""
        folders = left_folders()
        for folder in folders:
            if is_meant:
                folder_tidy(folder=folder)
            self.stdout.write(f"{folder}: what a removed build has left {_verb(is_meant)}")
        return bool(folders)

    def _networks(self, days: int, older_than: int, *, is_meant: bool) -> bool:
        """Say of each run's old networks what becomes of them; whether any can be deleted."""
        found = left_networks(days=days, older_than=older_than)
        if not found:
            self.stdout.write(f"there are no fine-tuned networks of {older_than} days or more in the storage")
        can_be_deleted = False
        for old in found:
            told = f"{old.run}: {old.count} fine-tuned networks ({filesizeformat(old.size)})"
            if old.is_needed or (is_meant and not networks_tidy(networks=old, days=days)):
                self.stdout.write(f"{told} are kept: an unfinished build may need them")
                continue
            can_be_deleted = True
            self.stdout.write(f"{told} {_verb(is_meant)}")
        if can_be_deleted:
            self.stdout.write(
                "what is lost: a later build of the same config fine-tunes again, which may take hours; studies and "
                "bundles are not affected"
            )
        return can_be_deleted


def _verb(is_meant: bool) -> str:
    return "deleted" if is_meant else "can be deleted"
