"""The pictures of a bundle: each file is read once, checked and stored."""

from collections.abc import Iterator

from studies.bundles.coherence import check_picture_size
from studies.bundles.files import Bundle, Watch
from studies.bundles.pictures import sound_picture
from studies.bundles.stored import FEW
from studies.disk_sync import storage_sync
from studies.media import in_parallel
from studies.services.picture_storage import picture_store, pictures_known

LISTED = """
SELECT file.digest, picture.width, picture.height
FROM file LEFT JOIN picture ON picture.natural_key = file.digest
ORDER BY file.digest
"""

# Digest, the size that the fixture tells of it, and whether the database has a row of it.
Listed = tuple[str, tuple[int, int] | None, bool]


def bundle_pictures_store(*, bundle: Bundle, watch: Watch) -> int:
    """Check every listed file, and store those of the fixture's pictures; returns how many were not in the storage.

    Raises BundleError at the first file, in the order of their digests, that is not what manifest and fixture say. What
    was stored until then stays there: it is what its name says, and no row speaks of it.
    """

    def store(listed: Listed) -> bool:
        digest, told, is_known = listed
        picture = sound_picture(bundle, digest)
        if told is None:
            # In the folder, and of no use to the study.
            return False
        check_picture_size(digest, told, picture.size)
        return picture_store(digest=digest, open_content=picture.open_content, is_known=is_known)

    # For a folder, threads of Python would only wait for each other.
    stored = in_parallel(store, _listed(bundle))
    everything = range(bundle.scratch.count("file"))
    copied = sum(is_new for _, is_new in zip(watch(everything, "checking and copying"), stored, strict=True))
    # Also where none is new: an import before this one may have ended before it came here.
    storage_sync()
    return copied


def _listed(bundle: Bundle) -> Iterator[Listed]:
    for batch in bundle.scratch.batches(LISTED, FEW):
        known = pictures_known([digest for digest, _, _ in batch])
        for digest, width, height in batch:
            yield digest, None if width is None else (width, height), digest in known
