"""From the pixels of a file to what a network takes in."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from attribution.config_values import LARGEST_SIDE

Triple = tuple[float, float, float]
Fit = Literal["crop", "squash"]
Interpolation = Literal["bilinear", "bicubic"]

_RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@dataclass(frozen=True)
class Preprocessing:
    """How images are fitted to a network.

    ``size`` is the side of the square input in pixels; ``mean`` and ``std`` are per channel (RGB) for values 0..1.
    ``fit="crop"`` brings the short side to ``resize`` (``size`` if None) and cuts out the centre; ``"squash"`` scales
    both sides to ``size``. Raises ValueError for impossible values.
    """

    size: int
    mean: Triple
    std: Triple
    fit: Fit = "crop"
    resize: int | None = None
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        if not 1 <= self.size <= LARGEST_SIDE:
            raise ValueError(f"size is {self.size}: give a number of pixels from 1 to {LARGEST_SIDE}")
        if self.fit not in ("crop", "squash"):
            raise ValueError(f'fit is "{self.fit}": use "crop" or "squash"')
        if self.interpolation not in _RESAMPLING:
            raise ValueError(f'interpolation is "{self.interpolation}": use {", ".join(_RESAMPLING)}')
        if self.resize is not None and (self.fit == "squash" or self.resize < self.size):
            raise ValueError(
                f"resize is {self.resize}: it goes with fit = crop and must be at least size ({self.size})"
            )
        if {len(self.mean), len(self.std)} != {3} or min(self.std) <= 0:
            raise ValueError(f"mean {self.mean} and std {self.std}: give three numbers each, std above 0")


def fit_image(image: Image.Image, preprocessing: Preprocessing, *, nearest: bool = False) -> Image.Image:
    """The image at network size; ``nearest`` for masks. The same pixels as torchvision's Resize and CenterCrop give."""
    resampling = Image.Resampling.NEAREST if nearest else _RESAMPLING[preprocessing.interpolation]
    size = preprocessing.size
    if preprocessing.fit == "squash":
        return image.resize((size, size), resampling)
    short = preprocessing.resize or size
    width, height = image.size
    scaled = (short, int(short * height / width)) if width <= height else (int(short * width / height), short)
    if scaled != image.size:
        image = image.resize(scaled, resampling)
    left, top = round((scaled[0] - size) / 2), round((scaled[1] - size) / 2)
    return image.crop((left, top, left + size, top + size))


def normalise(images: NDArray[np.uint8], preprocessing: Preprocessing) -> torch.Tensor:
    """uint8 [N, H, W, 3] -> float32 [N, 3, H, W], (value / 255 - mean) / std."""
    pixels = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).contiguous().float().div_(255)
    mean = torch.tensor(preprocessing.mean).view(1, 3, 1, 1)
    std = torch.tensor(preprocessing.std).view(1, 3, 1, 1)
    return pixels.sub_(mean).div_(std)
