"""Make annotators' accounts: `manage.py create_annotators STUDY --count 5`."""

import csv
import io
import os
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from studies.models import Study
from studies.services import Account, AnnotatorError, add_annotators, create_annotators

SHOWN_ONCE = "The passwords are shown once: keep them. They stay valid until they are changed."


class Command(BaseCommand):
    help = (
        "Makes accounts with random passwords and enrols them in a study. The passwords are shown once: only "
        "their hashes are kept. They stay valid until they are changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="the study's slug")
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--count", type=int, help="how many new accounts to make")
        who.add_argument("--usernames", nargs="+", help="users to enrol; those without an account get one")
        parser.add_argument("--prefix", help="start of the user names (default: the study's slug)")
        parser.add_argument("--csv", type=Path, help="write names and passwords into this new file instead")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            known = ", ".join(Study.objects.values_list("slug", flat=True)) or "none; load one with load_study"
            raise CommandError(f'there is no study "{options["study"]}" (known: {known})')
        path: Path | None = options["csv"]
        try:
            # One transaction with the file: no account exists whose password was not written down.
            with transaction.atomic():
                if options["usernames"]:
                    accounts = add_annotators(study=study, usernames=options["usernames"])
                else:
                    accounts = create_annotators(study=study, count=options["count"], prefix=options["prefix"])
                if path is not None:
                    _write_private(path, _table(accounts))
        except (AnnotatorError, ValidationError) as error:
            messages = error.messages if isinstance(error, ValidationError) else [str(error)]
            raise CommandError(" ".join(messages)) from error
        except FileExistsError as error:
            raise CommandError(f"{path}: the file exists already; give a new name") from error
        except OSError as error:
            raise CommandError(f"{path}: cannot be written ({error.strerror}); give another file") from error
        if path is None:
            self.stdout.write(_table(accounts), ending="")
            # Not among the rows, which may go into a file.
            if any(account.password is not None for account in accounts):
                self.stderr.write(SHOWN_ONCE, style_func=str)
        else:
            self.stdout.write(f"{len(accounts)} annotators of {study.slug} written to {path}")


def _table(accounts: Sequence[Account]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["username", "password", "code"])
    for account in accounts:
        password = "(has an account already)" if account.password is None else account.password
        writer.writerow([account.username, password, account.code])
    return text.getvalue()


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)
