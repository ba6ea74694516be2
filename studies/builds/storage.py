"""The storage that web side and workers share, and the names of the objects in it that the web side knows."""

import json
from pathlib import PurePosixPath

from django.conf import settings

from attribution.errors import InputError
from attribution.shared_storage import SharedStorage
from studies.models import Build

JOB_FORMAT = "harmony-job/1"
STORAGE_ERRORS = (OSError, InputError)
"""What a storage raises that is down, or that is asked for an impossible name."""


def open_storage(*, is_hurried: bool = False) -> SharedStorage:
    """Open the storage; `is_hurried` where somebody waits for the answer of a page."""
    return SharedStorage.open(settings.BUILDS_URL, is_hurried=is_hurried)


def folder_of(build: Build) -> str:
    return f"builds/{build.key}"


def plan_name(build: Build) -> str:
    return f"{folder_of(build)}/plan-{build.attempt}.json"


def bundle_name(build: Build) -> str:
    return f"{folder_of(build)}/bundle-{build.attempt}.json"


def cancelled_name(build: Build, attempt: int) -> str:
    return f"{folder_of(build)}/cancelled-{attempt}"


def write_job(build: Build) -> None:
    """Write what the workers have to know of a build. Raises OSError where the storage is down."""
    job = {
        "format": JOB_FORMAT,
        "attempt": build.attempt,
        "name": build.file_name,
        "config": build.config,
        "base": build.base,
        "trusted": build.trusted,
    }
    open_storage().write(f"{folder_of(build)}/job.json", json.dumps(job).encode())


def write_marker(build: Build, attempt: int) -> None:
    """Tell the workers that an attempt is over. Raises OSError where the storage is down."""
    open_storage().write(cancelled_name(build, attempt), b"")


def stored_of(outputs: set[str]) -> set[str]:
    """Return those of the outputs that are in the storage; one listing for each folder that they are in."""
    storage = open_storage()
    folders = {str(PurePosixPath(output).parent) for output in outputs if output}
    listed: set[str] = set()
    for folder in sorted(folders):
        listed.update(storage.list(folder))
    return outputs & listed
