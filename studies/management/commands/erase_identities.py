"""Erase the ids of a recruitment service: `manage.py erase_identities STUDY --all`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studies.models import Study
from studies.recruiting.prolific import identity_of
from studies.services.identities import identities_erase


class Command(BaseCommand):
    help = (
        "Erases who the annotators of a study are at the recruitment service. Their answers stay, and so does the "
        "keyed digest by which the same person is not let in twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="the study's slug")
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--all", action="store_true", help="everybody's")
        who.add_argument("--codes", nargs="+", metavar="CODE", help="those of the annotators with these codes")
        who.add_argument("--prolific-id", help="this one; also tells the annotator's code")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"unknown study {options['study']!r}; load it with `manage.py load_study`")
        codes: list[str] | None = options["codes"]
        if codes is not None:
            known = set(study.participations.filter(code__in=codes).values_list("code", flat=True))
            unknown = [code for code in codes if code not in known]
            if unknown:
                raise CommandError(f"{study.slug} has no annotators with the codes {', '.join(unknown)}")
        elif options["prolific_id"] is not None:
            codes = [self._code(study, options["prolific_id"])]
        erased = identities_erase(study=study, codes=codes)
        self.stdout.write(f"{study.slug}: ids of {erased} annotators erased")

    def _code(self, study: Study, person: str) -> str:
        identity = identity_of(study, person)
        if identity is None:
            raise CommandError(f"nobody with this Prolific id has come to {study.slug}")
        code: str = identity.participation.code
        self.stdout.write(f"this is the annotator {code}")
        return code
