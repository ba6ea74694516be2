"""Pictures as annotators receive them: nothing in bytes, length or pixels tells one map from the other.

The original map of an image recurs in every condition with the same attributor. Served as it is, the map that comes
back would be the original. So a few hundred pixels are moved by one grey level, in places that depend on the
assignment and the slot, and the PNG is written without compression: its length depends on nothing but the size of
the picture in pixels.
"""

import hashlib
import hmac
import io
import struct
import zlib

import numpy as np
import numpy.typing as npt
from PIL import Image

MOVED_PIXELS = 400

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def blinded_png(source: bytes, *, secret: str, token: str, slot: str) -> bytes:
    """Return a PNG (RGB, 8 bits, no metadata) that looks like `source` and shares neither bytes nor hash with it.

    The same secret, token and slot give the same bytes; the length is a function of width and height alone.
    """
    with Image.open(io.BytesIO(source), formats=["PNG"]) as picture:
        pixels = np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))
    key = hmac.digest(secret.encode(), f"picture:{token}:{slot}".encode(), hashlib.sha256)
    return plain_png(moved(pixels, key))


def moved(pixels: npt.NDArray[np.uint8], key: bytes) -> npt.NDArray[np.uint8]:
    """Return a copy with `MOVED_PIXELS` pixels (or a quarter of them, if that is fewer) one grey level off.

    `pixels` is (height, width, 3). The places and the directions follow from `key` (32 bytes).
    """
    flat = pixels.reshape(-1, 3).copy()
    draw = np.random.Generator(np.random.PCG64(list(np.frombuffer(key, dtype=np.uint32))))
    number = min(MOVED_PIXELS, max(1, len(flat) // 4))
    places = draw.choice(len(flat), size=number, replace=False, shuffle=False)
    steps = draw.choice(np.array([-1, 1], dtype=np.int16), size=(number, 1))
    chosen = flat[places].astype(np.int16)
    # At the ends of the scale there is only one way to go.
    steps = np.where(chosen == 0, 1, np.where(chosen == 255, -1, steps))
    flat[places] = (chosen + steps).astype(np.uint8)
    return flat.reshape(pixels.shape)


def plain_png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Return `pixels` (height, width, 3) as an uncompressed PNG with the three chunks that a PNG must have.

    Follows the PNG specification (ISO/IEC 15948), filter type 0 in every row.
    """
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)
    rows[:, 1:] = pixels.reshape(height, 3 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.data, 0)), (b"IEND", b""))
    # Joined once: the pixels are most of it, and this is done for every picture that is shown.
    return b"".join((SIGNATURE, *(part for name, data in chunks for part in _chunk(name, data))))


def _chunk(name: bytes, data: bytes) -> tuple[bytes, ...]:
    return struct.pack(">I", len(data)), name, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))
