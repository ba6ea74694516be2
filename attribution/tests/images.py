"""Small image files for tests."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def photo(path: Path, size: tuple[int, int] = (12, 10), *, seed: int = 0, mode: str = "RGB") -> Path:
    """Writes a noisy image of (width, height) in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)
    return path


def mask_file(path: Path, size: tuple[int, int] = (12, 10), *, box: Sequence[int] = (2, 3, 6, 7)) -> Path:
    """Writes a 1-bit mask of (width, height), set in the inclusive box (x0, y0, x1, y1)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = np.zeros((size[1], size[0]), dtype=np.bool_)
    x0, y0, x1, y1 = box
    mask[y0 : y1 + 1, x0 : x1 + 1] = True
    Image.fromarray(mask).save(path)
    return path


def class_folders(root: Path, classes: Sequence[str] = ("bird", "cat"), count: int = 3, *, masks: bool = False) -> Path:
    """``root/images/<class>/<n>.png`` and, on request, ``root/masks/<class>/<n>.png``. Gives back ``root/images``."""
    for place, label in enumerate(classes):
        for number in range(count):
            photo(root / "images" / label / f"{number}.png", seed=place * 1000 + number)
            if masks:
                mask_file(root / "masks" / label / f"{number}.png")
    return root / "images"


def palette_mask(path: Path, numbers: Sequence[Sequence[int]]) -> Path:
    """Writes a palette PNG as Pascal VOC has it: a number per pixel, shown in a colour that says nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.array(numbers, dtype=np.uint8)
    mask = Image.frombytes("P", (values.shape[1], values.shape[0]), values.tobytes())
    mask.putpalette([(37 * entry) % 256 for entry in range(768)])
    mask.save(path)
    return path
