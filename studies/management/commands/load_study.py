"""Load a study from a bundle: `manage.py load_study BUNDLE`."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from studies.bundles.errors import BundleError
from studies.services import Change, load_bundle


def _with_bar(items: Sequence[Any], what: str) -> Iterable[Any]:
    # disable=None: no bar where the output is not a terminal.
    return tqdm(items, desc=what, unit="file", file=sys.stderr, disable=None, leave=False)


class Command(BaseCommand):
    help = "Checks a bundle (a folder that `python -m attribution` exported) and loads its study."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("bundle", type=Path, help="the bundle's folder")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["bundle"]
        if not folder.is_dir():
            raise CommandError(f"{folder}: is not a folder; give the folder that holds manifest.json")
        try:
            loaded = load_bundle(folder=folder, watch=_with_bar)
        except BundleError as error:
            raise CommandError(str(error)) from error
        if loaded.change is Change.UNCHANGED:
            self.stdout.write(f"{loaded.study.slug}: already loaded from this bundle; nothing changed")
        else:
            self.stdout.write(
                f"{loaded.study.slug}: {loaded.change.value} ({loaded.conditions} conditions, {loaded.images} images, "
                f"{loaded.trials} trials)"
            )
        if loaded.copied:
            self.stdout.write(f"{loaded.copied} pictures copied")
