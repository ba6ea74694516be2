"""Having on the disk what was written to a folder, before the database says that it is there.

To ask for each file of thousands would take as long as to write them, so the whole file system is asked once.
"""

import ctypes
import logging
import os
import time
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage, default_storage

LONG_SECONDS = 5.0
_log = logging.getLogger(__name__)


def storage_sync(storage: Storage = default_storage) -> None:
    """Wait until all that was written to the folder of a storage is on the disk; a bucket keeps what it took anyway.

    Raises OSError where the disk fails.
    """
    folder = storage.location if isinstance(storage, FileSystemStorage) else None
    if folder is None or not settings.MEDIA_SYNC or not Path(folder).is_dir():
        return
    began = time.monotonic()
    file_system_sync(Path(folder))
    if (seconds := time.monotonic() - began) > LONG_SECONDS:
        _log.warning("it took %.0f s until everything was on the disk of %s", seconds, folder)


def file_system_sync(folder: Path) -> None:
    """Write to the disk all that waits for it in the file system of a folder. Raises OSError where that fails."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if call is None:
        # Not Linux: all file systems, without a word about errors.
        os.sync()
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Without the interpreter's lock, so that other threads go on.
        if call(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(descriptor)
