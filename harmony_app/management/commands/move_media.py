"""Copy pictures, reports and imports to another storage: `manage.py move_media --to s3://bucket/prefix`."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from harmony_app.media_moving import Outcome, is_inside, media_copy, opened_storage, place_of


def _with_bar(outcomes: Iterable[Outcome], number: int) -> Iterator[Outcome]:
    # disable=None: no bar where the output is not a terminal.
    yield from tqdm(outcomes, desc="copying", total=number, unit="file", file=sys.stderr, disable=None, leave=False)


class Command(BaseCommand):
    help = (
        "Copies everything in the present storage to another one and compares it there. What is there already is not "
        "copied again, and nothing is deleted here: afterwards set HARMONY_MEDIA_URL or MEDIA_ROOT."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", required=True, metavar="URL", help="s3://bucket/prefix or file:///folder")
        parser.add_argument(
            "--thorough", action="store_true", help="also compare the bytes of what is there with the right size"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            target = opened_storage(options["to"])
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        here, there = place_of(default_storage), place_of(target)
        if here == there:
            raise CommandError(f"--to {there}: is the present storage; name another one")
        if is_inside(there, here):
            raise CommandError(f"--to {there}: lies in the present storage, {here}; name a place elsewhere")
        try:
            outcomes = media_copy(
                source=default_storage, target=target, is_thorough=options["thorough"], watch=_with_bar
            )
        except OSError as error:
            raise CommandError(f"a storage refuses: {error}; what was copied stays, run the command again") from error
        copied = [outcome for outcome in outcomes if outcome.is_copied]
        faults = [outcome.fault for outcome in outcomes if outcome.fault is not None]
        for fault in faults:
            self.stderr.write(fault)
        mebibytes = sum(outcome.size for outcome in copied) / 2**20
        rest = len(outcomes) - len(copied) - len(faults)
        self.stdout.write(f"{len(copied)} files copied to {there} ({mebibytes:.1f} MiB), {rest} were there")
        if faults:
            raise CommandError(f"{len(faults)} files were not copied; run the command again")
