"""Copying bytes while counting and digesting them, with flat memory."""

import hashlib
from collections.abc import Iterator
from typing import IO, Any

CHUNK = 2**20


def chunks(file: IO[Any]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def copy_digested(source: IO[Any], target: IO[bytes] | None = None) -> tuple[str, int]:
    """Return SHA-256 and size of what the file holds, copying it to the target if there is one."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks(source):
        digest.update(chunk)
        size += len(chunk)
        if target is not None:
            target.write(chunk)
    return digest.hexdigest(), size
