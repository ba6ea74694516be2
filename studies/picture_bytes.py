"""Reads: the bytes of pictures, kept for a while where each read is a request over the network."""

import hashlib
import threading
from collections import OrderedDict

from django.core.files.storage import default_storage

from studies.media import ObjectStorage, stored_bytes
from studies.models import Picture

KEPT_BYTES = 64 * 2**20
"""How much of pictures a process of the server keeps."""


class Kept:
    """Contents by digest, up to a number of bytes; what was asked for longest ago goes first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._contents: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: str) -> bytes | None:
        with self._lock:
            content = self._contents.get(digest)
            if content is not None:
                self._contents.move_to_end(digest)
            return content

    def add(self, digest: str, content: bytes) -> None:
        with self._lock:
            if digest in self._contents or len(content) > self.limit // 8:
                return
            self._contents[digest] = content
            self.size += len(content)
            while self.size > self.limit:
                _, dropped = self._contents.popitem(last=False)
                self.size -= len(dropped)

    def clear(self) -> None:
        with self._lock:
            self._contents.clear()
            self.size = 0


KEPT = Kept(KEPT_BYTES)


def picture_bytes(picture: Picture) -> bytes:
    """The stored bytes of a picture. Raises FileNotFoundError where the storage has lost it.

    What a digest names never changes, so one from a bucket is kept in this process. A folder is not: the operating
    system does that.
    """
    if not isinstance(default_storage, ObjectStorage):
        return stored_bytes(picture.path)
    content = KEPT.get(picture.digest)
    if content is None:
        content = stored_bytes(picture.path)
        # A damaged one is asked for again, as it may be mended meanwhile.
        if hashlib.sha256(content).hexdigest() == picture.digest:
            KEPT.add(picture.digest, content)
    return content
