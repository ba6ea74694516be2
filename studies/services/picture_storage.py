"""Pictures in the storage, named by the digest of their bytes."""

import hashlib
from collections.abc import Callable
from typing import IO, Any

from django.core.files import File
from django.core.files.storage import default_storage

from studies.models import Picture


def picture_store(*, digest: str, open_content: Callable[[], IO[Any]]) -> bool:
    """Put a picture into the storage unless it is there; returns whether it was not."""
    name = Picture(digest=digest).path
    if default_storage.exists(name):
        with default_storage.open(name) as stored:
            if hashlib.sha256(stored.read()).hexdigest() == digest:
                return False
        # Left behind half-written by an interrupted copy, or damaged.
        default_storage.delete(name)
    with open_content() as file:
        default_storage.save(name, File(file))
    return True
