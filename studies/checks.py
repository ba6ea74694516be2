"""System checks for what the settings alone cannot see."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps.config import AppConfig
from django.contrib.staticfiles import finders
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

from studies.media import ObjectStorage, StorageFailedError, sizes_below, stored_bytes

JSPSYCH_FILE = "vendor/jspsych/index.browser.min.js"


@register(Tags.staticfiles)
def check_jspsych(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """studies.E001: the runner page cannot work without jsPsych."""
    if finders.find(JSPSYCH_FILE) is not None:
        return []
    return [
        Error(
            f"the static file {JSPSYCH_FILE} is missing, so trials cannot be shown",
            hint="run `npm ci` in the folder that holds package.json",
            id="studies.E001",
        )
    ]


@register(Tags.files)
def check_media(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """studies.E002: pictures cannot be stored in the media folder."""
    if not isinstance(default_storage, FileSystemStorage):
        return []
    folder = Path(default_storage.location)
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            f"the media folder {folder} cannot be written",
            hint=f"give the server's user the right to write in {existing}, or set MEDIA_ROOT to another folder",
            id="studies.E002",
        )
    ]


@register(Tags.files, deploy=True)
def check_bucket(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """studies.E003: the bucket of pictures cannot be written, read, listed or cleared.

    Only with `check --deploy`: it takes some requests over the network.
    """
    if not isinstance(default_storage, ObjectStorage):
        return []
    folder = f"checks/{secrets.token_hex(8)}"
    name, content = f"{folder}/written", b"written by manage.py check"
    try:
        default_storage.save(name, ContentFile(content))
        is_right = stored_bytes(name) == content and list(sizes_below(folder)) == [name]
        default_storage.delete(name)
    except (StorageFailedError, FileNotFoundError) as error:
        return [Error(str(error), hint="see docs/storage.md for the rights that the key needs", id="studies.E003")]
    if is_right:
        return []
    return [
        Error(
            "the bucket of pictures does not give back what is written to it",
            hint="set HARMONY_MEDIA_URL to a bucket that shows an object as soon as it is written",
            id="studies.E003",
        )
    ]
