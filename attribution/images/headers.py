"""What the header of an image file says, and what goes wrong with damaged files."""

import struct
import zlib
from pathlib import Path

from PIL import Image

# What Pillow raises on damaged files, by experience with truncated and overwritten ones of each format.
UNREADABLE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)

_ORIENTATION_TAG = 0x0112
_TURNED_BY_A_QUARTER = (5, 6, 7, 8)


def reason(error: BaseException) -> str:
    """An exception as one line of text that never ends in an empty reason."""
    return " ".join(str(error).split()) or type(error).__name__


def raise_if_passing(error: BaseException) -> None:
    """Raise an error of the operating system again: a disk that hiccups must not cost an image. Damage has no errno."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error


def upright_size(path: Path) -> tuple[int, int]:
    """Width and height of an image after its EXIF rotation, from the header alone.

    Raises one of UNREADABLE_ERRORS if the file is not an image.
    """
    with Image.open(path) as image:
        if image.format == "PNG":
            # Image.getexif() would decode a whole PNG to look for a late EXIF chunk.
            exif = Image.Exif()
            exif.load(image.info.get("exif", b""))
        else:
            exif = image.getexif()
        width, height = image.size
        return (height, width) if exif.get(_ORIENTATION_TAG) in _TURNED_BY_A_QUARTER else (width, height)
