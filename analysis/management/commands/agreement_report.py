"""manage.py agreement_report STUDY --out DIR: write the agreement report of a study as files."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analysis.exports import write_files
from analysis.measures.judgements import FrameError
from analysis.reports import DEFAULT_SEED, NoResponsesError
from analysis.sentences import headlines, summary
from analysis.study_report import CONTENT_TYPES, study_report
from studies.models import Study


class Command(BaseCommand):
    help = "Write report.html, report.json and judgements.csv of a study. Same answers and seed, same bytes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="slug of the study")
        parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to, made if absent")
        parser.add_argument(
            "--seed", type=int, default=DEFAULT_SEED, help=f"of bootstraps and permutations (default: {DEFAULT_SEED})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            known = ", ".join(Study.objects.values_list("slug", flat=True)) or "none"
            raise CommandError(f"unknown study {options['study']!r} (known: {known})")
        if options["seed"] < 0:
            raise CommandError(f"--seed {options['seed']} is negative; give 0 or more")
        out: Path = options["out"]
        if out.exists() and not out.is_dir():
            raise CommandError(f"--out {out} is a file; name a folder")
        try:
            made = study_report(study, seed=options["seed"])
        except NoResponsesError as error:
            raise CommandError(str(error)) from error
        except FrameError as error:
            raise CommandError(f"study {study.slug}: {error}") from error
        written = write_files({name: made.file(name) for name in CONTENT_TYPES}, out)
        self.stdout.write(summary(made.report))
        for sentence in headlines(made.report):
            self.stdout.write(f"- {sentence}")
        for path in written:
            self.stdout.write(str(path))
