"""Make links into a study: `manage.py create_links STUDY --kind invitation --count 20 --site https://...`."""

import csv
import io
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils import timezone

from studies.models import Link, Study
from studies.services.lifecycle import LifecycleError
from studies.services.links import LinkError, links_create


class Command(BaseCommand):
    help = "Makes links by which people take part in a study without an account, and prints them as a CSV table."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="the study's slug")
        parser.add_argument("--kind", choices=Link.Kind.values, default=Link.Kind.INVITATION, help="of all links")
        parser.add_argument("--count", type=int, default=1, help="how many links")
        parser.add_argument("--quota", type=int, help="of open and test links: how many people each lets in")
        parser.add_argument("--days", type=int, help="after how many days they end (default: never)")
        parser.add_argument("--label", default="", help="what they are for; researchers alone see it")
        parser.add_argument("--site", required=True, help="the site's address, as people see it: https://host")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"unknown study {options['study']!r}; load it with `manage.py load_study`")
        site = _site(options["site"])
        try:
            links = links_create(
                study=study,
                kind=options["kind"],
                count=options["count"],
                label=_label(options["label"]),
                quota=options["quota"],
                expires_at=None if options["days"] is None else timezone.now() + timedelta(days=options["days"]),
            )
        except (LinkError, LifecycleError) as error:
            raise CommandError(str(error)) from error
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["number", "kind", "address"])
        for link in links:
            writer.writerow([link.pk, link.kind, f"{site}{reverse('join', args=[link.token])}"])
        self.stdout.write(text.getvalue(), ending="")


def _site(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/"):
        raise CommandError(f"--site {address!r} is no address of a site; use one like https://harmony.example")
    return f"{parts.scheme}://{parts.netloc}"


def _label(label: str) -> str:
    longest = Link._meta.get_field("label").max_length or 0
    if len(label) > longest:
        raise CommandError(f"--label has more than {longest} characters; shorten it")
    return label
