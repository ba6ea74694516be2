"""manage.py simulate_annotators STUDY --copy-as SLUG: let simulated annotators answer a copy of a study."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from studies.models import Study
from studies.services import CopyError, copy_study
from studies.simulation import SimulationError, simulate_annotators


class Command(BaseCommand):
    help = "Copy a study, flag the copy as simulated, and let simulated annotators answer it. The study stays as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="slug of the study to copy")
        parser.add_argument("--copy-as", required=True, metavar="SLUG", help="slug of the simulated copy")
        parser.add_argument("--annotators", type=int, default=8, help="how many simulated annotators (default: 8)")
        parser.add_argument("--seed", type=int, default=0, help="same seed, same answers (default: 0)")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            known = ", ".join(Study.objects.values_list("slug", flat=True)) or "none"
            raise CommandError(f'there is no study "{options["study"]}" (known: {known})')
        try:
            with transaction.atomic():
                copy = copy_study(
                    study=study, slug=options["copy_as"], title=f"{study.title} (simulated)", is_simulated=True
                )
                simulated = simulate_annotators(study=copy, annotators=options["annotators"], seed=options["seed"])
        except (CopyError, SimulationError) as error:
            raise CommandError(str(error)) from error
        idle = options["annotators"] - simulated.annotators
        rest = f" {idle} more found no trial left: all wanted answers are given." if idle else ""
        self.stdout.write(
            f"{copy.slug}: {simulated.responses} responses of {simulated.annotators} simulated annotators.{rest} "
            f"They say nothing about people."
        )
