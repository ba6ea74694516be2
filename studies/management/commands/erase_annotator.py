"""Erase who an annotator is: `manage.py erase_annotator USERNAME --answers keep-anonymous --yes`."""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studies.models import User
from studies.services.erasure import Answers, ErasureError, annotators_erase, traces_of, users_known_as


class Command(BaseCommand):
    help = (
        "Erases an annotator's account, ids at recruitment services, link uses, sessions, tokens and failed log-ins, "
        "and deletes the answers or keeps them under a new code. Without --yes it only lists what there is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("username", nargs="?", help="the name with which the annotator logs in")
        who.add_argument("--external-id", metavar="ID", help="the id at the recruitment service, in every study")
        parser.add_argument(
            "--answers",
            choices=[choice.value for choice in Answers],
            default=Answers.DELETE.value,
            help="delete them (default), or keep the choices under a code that leads to nobody",
        )
        parser.add_argument("--yes", action="store_true", help="erase, instead of only listing")

    def handle(self, *args: Any, **options: Any) -> None:
        answers = Answers(options["answers"])
        try:
            users = self._users(options["username"], options["external_id"])
            found = annotators_erase(users=users, answers=answers) if options["yes"] else traces_of(users)
        except ErasureError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"the storage refuses, so nothing was erased: {error}") from error
        for name, number in asdict(found).items():
            self.stdout.write(f"{name.replace('_', ' ')}: {number}")
        if not options["yes"]:
            fate = "would be deleted" if answers is Answers.DELETE else "would be kept under a new code"
            self.stdout.write(f"nothing was changed; the answers {fate}; add --yes to erase")
            return
        fate = "deleted" if answers is Answers.DELETE else "kept under a new code"
        self.stdout.write(f"erased; the answers were {fate}")
        self.stdout.write("Backups made before still hold this person: see docs/privacy.md.")

    def _users(self, username: str | None, external_id: str | None) -> list[User]:
        if external_id is not None:
            users = users_known_as(external_id)
            if not users:
                raise CommandError("nobody with this id has come to any study")
            return users
        found = User.objects.filter(username=username).first()
        if found is None:
            raise CommandError("there is no account with this name; look it up in the admin under Users")
        return [found]
