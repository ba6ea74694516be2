"""Check that what is stored of studies fits together: `manage.py check_study [STUDY ...] [--pictures]`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studies.consistency import pictures_are_whole, study_is_consistent
from studies.models import Study


class Command(BaseCommand):
    help = (
        "Counts again, from the rows, what is kept in more than one place: places, revisions, positions, sides, "
        "choices, pages, deletions. Changes nothing. Ends with status 1 if anything does not fit together."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("studies", nargs="*", metavar="STUDY", help="slugs (default: every study)")
        parser.add_argument("--pictures", action="store_true", help="also read every picture and compare its digest")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted: list[str] = options["studies"]
        found = Study.objects.filter(slug__in=wanted) if wanted else Study.objects.all()
        unknown = sorted(set(wanted) - {study.slug for study in found})
        if unknown:
            raise CommandError(f"unknown study {', '.join(unknown)}; load it with `manage.py load_study`")
        total = 0
        for study in found:
            faults = study_is_consistent(study)
            if options["pictures"]:
                faults += pictures_are_whole(study)
            for fault in faults:
                self.stdout.write(f"{study.slug}: {fault}")
            if not faults:
                self.stdout.write(f"{study.slug}: consistent")
            total += len(faults)
        if total:
            raise CommandError(f"{total} things do not fit together; compare with the last backup before going on")
