"""Have a study built: `manage.py queue_build study.toml [--owner NAME] [--wait]`."""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from studies.builds.asking import BuildError, build_queue
from studies.builds.configs import ConfigError
from studies.builds.progress import Progress, build_progress
from studies.builds.starting import is_dead
from studies.models import Build, User
from studies.roles import is_researcher

SECONDS_BETWEEN = 1.0


class Command(BaseCommand):
    help = (
        "Checks a run config and has its study built in the background: by the GPU workers where "
        "HARMONY_BUILD_WORKER is set, otherwise by a process of this machine. The study appears when it is done."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("config", type=Path, metavar="study.toml", help="the run config (docs/offline.md)")
        parser.add_argument("--owner", metavar="USERNAME", help="the researcher whose study it will be")
        parser.add_argument("--wait", action="store_true", help="wait for the end; status 1 unless the study is there")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["config"]
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{path}: cannot be read ({error}); give a run config in TOML") from error
        owner = self._owner(options["owner"])
        base = str(path.resolve().parent)
        try:
            build = build_queue(owner=owner, text=text, file_name=path.name, base=base, trusted=True)
        except (ConfigError, BuildError) as error:
            raise CommandError(str(error)) from error
        who = "the workers" if settings.BUILDS == "celery" else "a process of this machine"
        self.stdout.write(f"{build.name}: build {build.key} is given to {who}")
        if options["wait"]:
            self._wait(build)

    def _owner(self, username: str | None) -> User | None:
        if username is None:
            return None
        owner = User.objects.filter(username=username).first()
        if owner is None or not is_researcher(owner):
            raise CommandError(f"--owner: there is no researcher of the name {username!r}")
        return owner

    def _wait(self, build: Build) -> None:
        warned = ""
        try:
            while build.is_under_way:
                progress = build_progress(build)
                # Without a worker the build waits, and one may come yet.
                if is_dead(build):
                    raise CommandError(progress.stalled_because)
                if progress.stalled_because and not warned:
                    warned = progress.stalled_because
                    self.stderr.write(warned)
                self._tell(progress)
                time.sleep(SECONDS_BETWEEN)
                build.refresh_from_db()
        except KeyboardInterrupt:
            raise CommandError(
                f"not waited for any longer; the build goes on, and can be cancelled on its page: /builds/{build.key}/"
            ) from None
        finally:
            if sys.stderr.isatty():
                self.stderr.write("")
        if build.state != Build.State.DONE:
            raise CommandError(f"{build.name}: {build.state}: {build.error}".rstrip(": "))
        self.stdout.write(f"{build.name}: the study is there")

    def _tell(self, progress: Progress) -> None:
        if not sys.stderr.isatty():
            return
        line = f"{progress.fraction:4.0%} {progress.stage}"
        if progress.conditions:
            line += f", {progress.conditions_done}/{progress.conditions} conditions"
            line += f", {progress.images_done}/{progress.images} images"
        if progress.rate:
            line += f", {progress.rate:.1f} images/s"
        if progress.remaining is not None:
            line += f", {progress.remaining:.0f} s left"
        self.stderr.write(f"\r\033[K{line}", ending="")
