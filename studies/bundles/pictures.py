"""Whether a picture of a bundle is what the bundle says: its bytes, and a PNG of a size that can be shown."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import IO

from PIL import Image, UnidentifiedImageError

from studies.bundles.errors import EXPORT_AGAIN, BundleError
from studies.bundles.files import Bundle, check_digest

# A picture is unpacked for every annotator who sees it: this one takes 48 MiB.
LONGEST_SIDE = 4096
# Files up to this size are read once and stored from memory.
READ_AT_ONCE = 1024 * 1024


@dataclass(frozen=True)
class SoundPicture:
    """A picture whose bytes are those that its digest stands for; `size` is its width and height in pixels."""

    size: tuple[int, int]
    open_content: Callable[[], IO[bytes]]


def sound_picture(bundle: Bundle, digest: str) -> SoundPicture:
    """Read a picture, and check its bytes and that it is a PNG. Raises BundleError; may be called in any thread."""
    files = bundle.pictures
    name, size = files.name(digest), files.size(digest)
    with files.readable(digest), files.open(digest) as file:
        if size > READ_AT_ONCE:
            check_digest(name, hashlib.file_digest(file, "sha256").hexdigest(), digest)  # type: ignore[arg-type]
            file.seek(0)
            return SoundPicture(_png_size(name, file), partial(files.open, digest))
        # Never more than it says to have: what is packed may unfold to any size.
        content = file.read(size)
    check_digest(name, hashlib.sha256(content).hexdigest(), digest)
    return SoundPicture(_png_size(name, io.BytesIO(content)), partial(io.BytesIO, content))


def _png_size(name: str, file: IO[bytes]) -> tuple[int, int]:
    try:
        with Image.open(file, formats=["PNG"]) as picture:
            size = picture.size
            if max(size) <= LONGEST_SIDE:
                picture.verify()
    except (UnidentifiedImageError, SyntaxError, OSError, ValueError, Image.DecompressionBombError) as error:
        # Of what is no PNG at all, Pillow names the object that it read.
        reason = "it does not begin as one" if isinstance(error, UnidentifiedImageError) else error
        raise BundleError(name, f"is not a sound PNG ({reason})", EXPORT_AGAIN) from error
    if max(size) > LONGEST_SIDE:
        raise BundleError(
            name, f"has {size[0]} x {size[1]} pixels", f"export pictures of at most {LONGEST_SIDE} pixels a side"
        )
    return size
