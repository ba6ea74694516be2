"""Decoys: maps that are plainly wrong, to be told from the real one by anybody who looks."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

TILES = 8
# Levels of grey by which the pixels of a decoy differ from its map at the least, on average.
LEAST_DIFFERENCE = 2.0

Pixels = npt.NDArray[np.uint8]


def scrambled(pixels: Pixels, seed: int) -> Pixels:
    """Return the map [height, width, 3] cut into 8 x 8 tiles, no tile in its own place.

    All colours stay, so that the decoy is told by what it shows, not by how bright it is. A rest of up to seven pixels
    at the lower and right edges stays where it is.
    """
    height, width = pixels.shape[0] // TILES, pixels.shape[1] // TILES
    whole = pixels[: height * TILES, : width * TILES]
    tiles = whole.reshape(TILES, height, TILES, width, 3).swapaxes(1, 2).reshape(TILES * TILES, height, width, 3)
    # A cycle through all tiles in random order moves every one of them.
    order = np.random.default_rng(seed).permutation(TILES * TILES)
    moved = np.empty_like(tiles)
    moved[order] = tiles[np.roll(order, 1)]
    result = pixels.copy()
    result[: height * TILES, : width * TILES] = (
        moved.reshape(TILES, TILES, height, width, 3).swapaxes(1, 2).reshape(whole.shape)
    )
    return result


def decoy_png(source: bytes, seed: int) -> tuple[bytes, int, int] | None:
    """Return the scrambled map as a PNG (RGB, no metadata) with its width and height.

    None where it could not be told from the map: that is smaller than a tile in each direction, or of one colour.
    """
    with Image.open(io.BytesIO(source)) as picture:
        pixels: Pixels = np.array(picture.convert("RGB"))
    if min(pixels.shape[:2]) < TILES:
        return None
    decoy = scrambled(pixels, seed)
    if np.abs(decoy.astype(np.int16) - pixels).mean() < LEAST_DIFFERENCE:
        return None
    content = io.BytesIO()
    Image.fromarray(decoy).save(content, "PNG")
    return content.getvalue(), decoy.shape[1], decoy.shape[0]
