"""Load a study from a bundle: `manage.py load_study BUNDLE`."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from tqdm import tqdm

from studies.bundles.errors import BundleError
from studies.models import Protocol
from studies.protocol.faults import ProtocolError
from studies.protocol.files import protocol_file_text
from studies.protocol.reading import read_protocol
from studies.services import Change, Loaded, protocol_set
from studies.services.collaboration import CollaborationError, owner_set
from studies.services.lifecycle import ArchivedStudyError
from studies.services.loading import prepared_bundle, prepared_load


def _with_bar(items: Sequence[Any], what: str) -> Iterable[Any]:
    # disable=None: no bar where the output is not a terminal.
    return tqdm(items, desc=what, unit="file", file=sys.stderr, disable=None, leave=False)


class Command(BaseCommand):
    help = "Checks a bundle (a folder that `python -m attribution` exported) and loads its study."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("bundle", type=Path, help="the bundle's folder")
        parser.add_argument("--protocol", type=Path, metavar="FILE", help="how the study is run (docs/protocol.md)")
        parser.add_argument("--owner", metavar="USERNAME", help="the researcher whose study it is")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["bundle"]
        if not folder.is_dir():
            raise CommandError(f"{folder}: is not a folder; give the folder that holds manifest.json")
        file: Path | None = options["protocol"]
        protocol = None
        try:
            text = protocol_file_text(file) if file is not None else ""
            if file is not None:
                # Before anything is loaded, which takes a while.
                read_protocol(text, file.name)
            with prepared_bundle(folder=folder, watch=_with_bar) as prepared, transaction.atomic():
                loaded = prepared_load(prepared=prepared)
                if file is not None:
                    protocol = protocol_set(study=loaded.study, text=text, name=file.name, actor=None)
                if options["owner"] is not None:
                    owner_set(study=loaded.study, username=options["owner"], actor=None)
        except (BundleError, ProtocolError) as error:
            raise CommandError(str(error)) from error
        except (CollaborationError, ArchivedStudyError) as error:
            raise CommandError(f"--owner: {error}") from error
        self._tell(loaded, protocol)

    def _tell(self, loaded: Loaded, protocol: Protocol | None) -> None:
        if loaded.change is Change.UNCHANGED:
            self.stdout.write(f"{loaded.study.slug}: already loaded from this bundle; nothing changed")
        else:
            self.stdout.write(
                f"{loaded.study.slug}: {loaded.change.value} ({loaded.conditions} conditions, {loaded.images} images, "
                f"{loaded.trials} trials)"
            )
        if loaded.copied:
            self.stdout.write(f"{loaded.copied} pictures copied")
        if protocol is not None:
            self.stdout.write(f"version {protocol.version} of the protocol holds")
