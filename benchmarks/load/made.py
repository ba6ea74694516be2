"""What is shown under load: PNG files of the published app's size, and a bundle of them."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from made_bundle import SIDE, MadeBundle
from PIL import Image

# Grey levels of noise that make a PNG of 224 x 224 pixels about 96 kB long, so that a page of three is 386 kB.
LEVELS = 14
DIFFERENT_MAPS = 100


def noise_png(random: np.random.Generator) -> bytes:
    """Return a PNG of about 96 kB."""
    pixels = random.integers(0, LEVELS, (SIDE, SIDE, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def write_pictures(folder: Path, number: int) -> None:
    """Write `number` pictures as 0.png, 1.png, ..."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(2)
    for each in range(number):
        (folder / f"{each}.png").write_bytes(noise_png(random))


class LoadBundle(MadeBundle):
    """A bundle whose images and original maps all differ; its finetuned maps are `DIFFERENT_MAPS`, used in turns."""

    def __init__(self, folder: Path, *, images: int, conditions: int, annotators_per_trial: int) -> None:
        self.annotators_per_trial = annotators_per_trial
        self.unique = 3 * images
        self.drawn: list[str] = []
        self.known: set[str] = set()
        super().__init__(folder, "load", images=images, conditions=conditions)

    def _picture(self, mode: str) -> str:
        if len(self.drawn) >= self.unique + DIFFERENT_MAPS:
            digest = self.drawn[self.unique + len(self.drawn) % DIFFERENT_MAPS]
        else:
            digest = self._store(noise_png(self.random))
        self.drawn.append(digest)
        return digest

    def _add(self, model: str, **fields: Any) -> None:
        if model == "picture":
            if fields["digest"] in self.known:
                return
            self.known.add(fields["digest"])
        if model == "study":
            fields["annotators_per_trial"] = self.annotators_per_trial
        super()._add(model, **fields)
