"""Set a study's protocol: `manage.py set_protocol STUDY FILE`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studies.models import Study
from studies.protocol.faults import ProtocolError
from studies.protocol.files import protocol_file_text
from studies.selectors_protocol import current_protocol, known_trials
from studies.services import protocol_set


class Command(BaseCommand):
    help = "Makes a TOML file the protocol of a study, as its next version; docs/protocol.md says what it may hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="the study's slug")
        parser.add_argument("file", type=Path, help="the protocol, as TOML")
        parser.add_argument("--reason", default="", help="why it is changed; needed once there are data")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"unknown study {options['study']!r}; load it with `manage.py load_study`")
        before = current_protocol(study)
        file: Path = options["file"]
        try:
            text = protocol_file_text(file)
            protocol = protocol_set(study=study, text=text, name=file.name, reason=options["reason"])
        except ProtocolError as error:
            raise CommandError(str(error)) from error
        if protocol == before:
            self.stdout.write(f"{study.slug}: version {protocol.version} is this protocol already; nothing changed")
            return
        catch, practice = (known_trials(protocol, kind).count() for kind in ("catch", "practice"))
        self.stdout.write(
            f"{study.slug}: version {protocol.version} is set ({len(protocol.spec.pages)} pages, {catch} catch trials, "
            f"{practice} practice trials); it holds for {protocol.participations.count()} annotators who had not "
            f"started and for all to come"
        )
