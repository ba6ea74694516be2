"""The pictures of a bundle: each file is read once, checked and stored."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from studies.bundles.coherence import check_picture_size
from studies.bundles.files import Bundle, Watch, sound_picture
from studies.services.picture_storage import picture_store, pictures_known

# Hashing and waiting for files or for an object storage need no lock of Python.
THREADS = int(os.cpu_count() or 1) + 4
TOGETHER = 16
LISTED = """
SELECT file.digest, picture.width, picture.height
FROM file LEFT JOIN picture ON picture.natural_key = file.digest
ORDER BY file.digest
"""

Listed = tuple[str, int | None, int | None]


def bundle_pictures_store(*, bundle: Bundle, watch: Watch) -> int:
    """Check every listed file, and store those of the fixture's pictures; returns how many were not in the storage.

    Raises BundleError at the first file, in the order of their digests, that is not what manifest and fixture say. What
    was stored until then stays there: it is what its name says, and no row speaks of it.
    """
    stored = _stored_in_turn(bundle)
    everything = range(bundle.scratch.count("file"))
    return sum(is_new for _, is_new in zip(watch(everything, "checking and copying"), stored, strict=True))


def _stored_in_turn(bundle: Bundle) -> Iterator[bool]:
    pending: deque[Future[list[bool]]] = deque()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="pictures") as pool:
        try:
            for batch in bundle.scratch.batches(LISTED, TOGETHER):
                known = pictures_known(digest for digest, _, _ in batch)
                pending.append(pool.submit(_store, bundle, batch, known))
                # So few are waiting that they take no memory to speak of.
                if len(pending) > 2 * THREADS:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _store(bundle: Bundle, batch: list[Listed], known: set[str]) -> list[bool]:
    return [_stored(bundle, *listed, is_known=listed[0] in known) for listed in batch]


def _stored(bundle: Bundle, digest: str, width: int | None, height: int | None, *, is_known: bool) -> bool:
    picture = sound_picture(bundle, digest)
    if width is None or height is None:
        # In the folder, and of no use to the study.
        return False
    check_picture_size(digest, (width, height), picture.size)
    return picture_store(digest=digest, open_content=picture.open_content, is_known=is_known)
