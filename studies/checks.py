"""System checks for what the settings alone cannot see."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps.config import AppConfig
from django.contrib.staticfiles import finders
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.files.storage import FileSystemStorage, default_storage

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
