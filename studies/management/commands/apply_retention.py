"""Delete what was kept long enough: `manage.py apply_retention --yes`, daily."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from studies.services.retention import RULES, retention_apply


class Command(BaseCommand):
    help = "Deletes what is older than the settings RETENTION_DAYS_... say. Without --yes it only counts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="delete, instead of only counting")

    def handle(self, *args: Any, **options: Any) -> None:
        done = retention_apply(write=options["yes"])
        for what, rule in RULES.items():
            if what in done:
                verb = "deleted" if options["yes"] else "due"
                self.stdout.write(f"{what}: {done[what]} {verb} (after {rule.days} days, {rule.setting})")
            else:
                self.stdout.write(f"{what}: kept ({rule.setting} is not set)")
        if not options["yes"]:
            self.stdout.write("nothing was deleted; add --yes to delete")
