"""Print a study's protocol: `manage.py show_protocol STUDY`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studies.models import Study
from studies.protocol.writing import write_protocol
from studies.selectors_protocol import protocol_text


class Command(BaseCommand):
    help = "Prints the protocol of a study as TOML, ready for `manage.py set_protocol`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="the study's slug")
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--number", type=int, help="an earlier version instead of the current one")
        choice.add_argument("--list", action="store_true", help="list the versions instead")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"unknown study {options['study']!r}; load it with `manage.py load_study`")
        versions = list(study.protocols.select_related("created_by").order_by("version"))
        if options["list"]:
            for protocol in versions:
                by = protocol.created_by.get_username() if protocol.created_by else "the command line"
                about = f": {protocol.reason}" if protocol.reason else ""
                self.stdout.write(f"{protocol.version}  {protocol.created_at:%Y-%m-%d %H:%M} UTC  {by}{about}")
            return
        if options["number"] is not None:
            versions = [protocol for protocol in versions if protocol.version == options["number"]]
            if not versions:
                raise CommandError(f"{study.slug} has no version {options['number']}; see --list")
        # Without a protocol the study's columns are one.
        text = protocol_text(versions[-1]) if versions else write_protocol(study.plain_spec)
        self.stdout.write(text.rstrip("\n"))
