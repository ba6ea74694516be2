"""The segmentations of COCO annotations, drawn when they are needed."""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_api

# A corner so far outside would make the polygon's outline fill the memory.
_FARTHEST = 10


@dataclass(frozen=True)
class CocoMask:
    """The union of segmentations in an annotation file, each checked by ``check_segmentation``.

    ``width`` and ``height`` are those that the file states for the image.
    """

    path: Path
    width: int
    height: int
    segmentations: tuple[Any, ...]

    def size(self) -> tuple[int, int]:
        return self.width, self.height

    def read(self) -> NDArray[np.bool_]:
        mask = np.zeros((self.height, self.width), dtype=np.bool_)
        for segmentation in self.segmentations:
            if isinstance(segmentation, dict):
                mask |= _draw_runs(run_lengths(segmentation["counts"]), self.width, self.height)
            else:
                drawn = coco_api.merge(coco_api.frPyObjects(segmentation, self.height, self.width))
                mask |= _draw_runs(run_lengths(drawn["counts"].decode("ascii")), self.width, self.height)
        return mask

    def digest(self) -> str:
        content = [self.width, self.height, self.segmentations]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def check_segmentation(segmentation: object, width: int, height: int) -> None:
    """Raises ValueError unless it is a list of polygons [x, y, x, y, ...] or a dict of run lengths of the image's size.

    pycocotools itself reads past the end of run lengths that are too short, and past polygons with an odd coordinate.
    """
    if isinstance(segmentation, dict):
        _check_runs(segmentation, width, height)
    elif isinstance(segmentation, list) and segmentation:
        for polygon in segmentation:
            _check_polygon(polygon, width, height)
    else:
        raise ValueError("segmentation is neither a list of polygons nor run lengths")


def _check_runs(segmentation: dict[str, Any], width: int, height: int) -> None:
    if segmentation.get("size") != [height, width]:
        raise ValueError(
            f"the run lengths are for size {segmentation.get('size')}, but the image's is {[height, width]}"
        )
    total = sum(run_lengths(segmentation.get("counts")))
    if total != width * height:
        raise ValueError(f"the run lengths cover {total} of {width * height} pixels")


def _check_polygon(polygon: object, width: int, height: int) -> None:
    if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
        raise ValueError("a polygon needs at least three corners, each with x and y")
    farthest = _FARTHEST * max(width, height)
    for value in polygon:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"a polygon has the coordinate {value!r}")
        if abs(value) > farthest:
            raise ValueError(f"a polygon's corner at {value:g} is far outside the {width}x{height} image")


def run_lengths(counts: object) -> list[int]:
    """The lengths of the runs of 0 and 1 in turn, down the columns, from a list or from COCO's compressed text.

    In the text a character carries five bits, the lowest first, and whether more follow; the highest bit of the last
    one is the sign. From the fourth number on it holds the difference to the number two places before. Raises
    ValueError for anything else and for negative lengths.
    """
    if isinstance(counts, list):
        lengths = counts
    elif isinstance(counts, str):
        lengths = _decompressed(counts)
    else:
        raise ValueError("the run lengths are neither a list nor a text")
    if any(isinstance(length, bool) or not isinstance(length, int) or length < 0 for length in lengths):
        raise ValueError("a run length is no whole number from 0 on")
    return lengths


def _decompressed(text: str) -> list[int]:
    lengths: list[int] = []
    number, bits = 0, 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64:
            raise ValueError(f"the run lengths hold {character!r}, which is none of their characters")
        number |= (code & 31) << bits
        bits += 5
        if code & 32:
            continue
        if code & 16:
            number -= 1 << bits
        lengths.append(number + lengths[-2] if len(lengths) > 2 else number)
        number, bits = 0, 0
    if bits:
        raise ValueError("the run lengths end in the middle of a number")
    return lengths


def _draw_runs(lengths: list[int], width: int, height: int) -> NDArray[np.bool_]:
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(width, height).T
