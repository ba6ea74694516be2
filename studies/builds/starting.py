"""Local builds: a process of their own on the web server's machine, and whether it lives."""

import logging
import os
import socket
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from studies.builds.broker import nudge
from studies.builds.steps import build_fail
from studies.models import Build

logger = logging.getLogger(__name__)

LARGEST_LOG = 5 * 2**20
BEGUN_SECONDS = 60.0
"""For how long a process that was started may take until it says so."""


def build_start(build: Build) -> None:
    """Have a build done once this transaction is over: by the workers, or by a process of this machine."""
    if settings.BUILDS == "celery":
        nudge()
    else:
        transaction.on_commit(lambda: _start_process(build))


def is_dead(build: Build) -> bool:
    """Whether a build under way is done by a process of some machine, and that process is gone."""
    if not build.is_under_way or (not build.host and settings.BUILDS == "celery"):
        return False
    now = timezone.now()
    if build.pid is None:
        return now - build.requested_at > timedelta(seconds=BEGUN_SECONDS)
    if build.host == socket.gethostname():
        return not _is_alive(build)
    return build.seen_at is None or now - build.seen_at > timedelta(seconds=settings.BUILD_SILENT_SECONDS)


def _start_process(build: Build) -> None:
    """Start `manage.py run_build`, which outlives the web worker that asked for it."""
    command = [sys.executable, "manage.py", "run_build", str(build.key), str(build.attempt)]
    try:
        # A log of its own: with that of whoever asked, a pipe that reads it would stay open until the build ends.
        with _log().open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
    except OSError as error:
        build_fail(build, f"no process can be started on this machine: {error}")
        return
    # Without somebody who waits for its end the process would stay as a zombie, which looks alive.
    threading.Thread(target=process.wait, name=f"build {build.key}", daemon=True).start()


def _log() -> Path:
    """The file that local builds log to; it begins anew where it has grown large."""
    path = Path(settings.DATA_DIR) / "builds.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LARGEST_LOG:
        path.replace(path.with_suffix(".log.1"))
    return path


def _is_alive(build: Build) -> bool:
    """Whether the process runs, and is the one of this build: numbers of processes come again."""
    if build.pid is None:
        return False
    try:
        command = Path(f"/proc/{build.pid}/cmdline").read_bytes()
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
    except OSError:
        logger.debug("build %s: /proc cannot be read", build.key)
    else:
        # A process that has ended, and that nobody has waited for yet, has no command any more.
        return str(build.key).encode() in command or build.pid == os.getpid()
    try:
        os.kill(build.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
