"""Surfaces and backgrounds made from 1/f noise, as natural images have it."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Field = NDArray[np.float64]
Picture = NDArray[np.float64]
Colour = tuple[float, float, float]
Palette = Sequence[Colour]

# Dark, middle and light colour (sRGB 0..1) of things found outdoors.
SURFACES: tuple[Palette, ...] = (
    ((0.24, 0.13, 0.07), (0.55, 0.34, 0.19), (0.85, 0.66, 0.44)),  # oak
    ((0.18, 0.19, 0.20), (0.47, 0.48, 0.47), (0.80, 0.79, 0.75)),  # granite
    ((0.10, 0.15, 0.07), (0.31, 0.41, 0.17), (0.66, 0.72, 0.40)),  # moss
    ((0.28, 0.09, 0.06), (0.61, 0.27, 0.16), (0.86, 0.56, 0.38)),  # brick
    ((0.42, 0.34, 0.25), (0.74, 0.65, 0.52), (0.95, 0.90, 0.81)),  # limestone
    ((0.07, 0.15, 0.19), (0.25, 0.43, 0.47), (0.62, 0.76, 0.74)),  # slate
    ((0.20, 0.11, 0.17), (0.48, 0.31, 0.41), (0.80, 0.65, 0.70)),  # heather
    ((0.35, 0.22, 0.05), (0.73, 0.53, 0.20), (0.94, 0.82, 0.53)),  # straw
)
# Near, middle and far colour of the places they lie in.
PLACES: tuple[Palette, ...] = (
    ((0.12, 0.18, 0.09), (0.33, 0.42, 0.24), (0.66, 0.73, 0.60)),  # wood
    ((0.47, 0.38, 0.27), (0.73, 0.64, 0.50), (0.88, 0.85, 0.78)),  # beach
    ((0.14, 0.22, 0.29), (0.36, 0.48, 0.56), (0.73, 0.80, 0.84)),  # sea
    ((0.25, 0.19, 0.16), (0.50, 0.38, 0.31), (0.80, 0.67, 0.58)),  # dusk
    ((0.20, 0.21, 0.21), (0.45, 0.46, 0.45), (0.77, 0.78, 0.78)),  # gravel
    ((0.27, 0.19, 0.08), (0.55, 0.42, 0.21), (0.81, 0.74, 0.54)),  # autumn
    ((0.16, 0.14, 0.22), (0.38, 0.35, 0.47), (0.70, 0.69, 0.78)),  # twilight
)


def noise(rng: Generator, side: int, exponent: float, *, stretch: float = 1.0, angle: float = 0.0) -> Field:
    """Gaussian noise [side, side] of mean 0 and deviation 1 whose amplitude falls as 1 / frequency^exponent.

    ``stretch`` above 1 draws it out along ``angle`` (radians).
    """
    y, x = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    along = (x * math.cos(angle) + y * math.sin(angle)) * stretch
    across = -x * math.sin(angle) + y * math.cos(angle)
    frequency = np.hypot(along, across)
    frequency[0, 0] = np.inf
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((side, side))) * frequency**-exponent, s=(side, side))
    return np.asarray((field - field.mean()) / field.std())


def coloured(level: Field, palette: Palette) -> Picture:
    """A field in 0..1 (clipped) as a picture [H, W, 3] through the colours of a palette."""
    stops = np.linspace(0, 1, len(palette))
    return np.stack([np.interp(level, stops, [colour[c] for colour in palette]) for c in range(3)], axis=-1)


def wood(rng: Generator, side: int, part: float) -> Field:
    """Bent growth rings with fine fibres along them."""
    angle = rng.uniform(0, math.pi)
    across = _axis(side, angle + math.pi / 2)
    rings = np.sin(
        2 * math.pi * (rng.uniform(5, 9) * part * across + 0.35 * noise(rng, side, 1.6, stretch=4, angle=angle))
    )
    return 0.5 + 0.24 * rings + 0.12 * noise(rng, side, 0.6, stretch=9, angle=angle)


def marble(rng: Generator, side: int, part: float) -> Field:
    """Pale stone with dark veins where the noise changes its sign."""
    veins = np.exp(-np.abs(noise(rng, side, 1.7)) * rng.uniform(5, 9))
    return 0.72 - 0.55 * veins + 0.10 * noise(rng, side, 1.2)


def stone(rng: Generator, side: int, part: float) -> Field:
    """Coarse and fine grains."""
    return 0.5 + 0.15 * noise(rng, side, 1.3) + 0.13 * noise(rng, side, 0.3)


def fur(rng: Generator, side: int, part: float) -> Field:
    """Streaks in one direction."""
    angle = rng.uniform(0, math.pi)
    return 0.5 + 0.18 * noise(rng, side, 0.8, stretch=6, angle=angle) + 0.1 * noise(rng, side, 1.6)


def lichen(rng: Generator, side: int, part: float) -> Field:
    """Patches with a sharp rim."""
    patches = np.tanh(5 * noise(rng, side, 1.5))
    return 0.5 + 0.24 * patches + 0.1 * noise(rng, side, 0.6)


def weave(rng: Generator, side: int, part: float) -> Field:
    """Crossed threads, worn unevenly."""
    angle, threads = rng.uniform(0, math.pi), rng.uniform(13, 18) * part
    bend = 0.03 / part * noise(rng, side, 2.0)
    warp = np.sin(2 * math.pi * threads * (_axis(side, angle) + bend))
    weft = np.sin(2 * math.pi * threads * (_axis(side, angle + math.pi / 2) + bend))
    return 0.5 + 0.17 * warp * np.sign(weft) + 0.12 * noise(rng, side, 1.3)


# (rng, side in pixels, side as a part of the whole picture) -> field [side, side], about 0..1.
MATERIALS: dict[str, Callable[[Generator, int, float], Field]] = {
    "wood": wood,
    "marble": marble,
    "stone": stone,
    "fur": fur,
    "lichen": lichen,
    "weave": weave,
}


def surface(rng: Generator, side: int, whole: int) -> Picture:
    """A random material in random colours, [side, side, 3] in 0..1, with grains as in a picture of side ``whole``."""
    material = list(MATERIALS.values())[rng.integers(len(MATERIALS))]
    palette = SURFACES[rng.integers(len(SURFACES))]
    picture = coloured(0.56 + 0.8 * (material(rng, side, side / whole) - 0.5), palette)
    return np.clip(picture * rng.uniform(0.92, 1.08, 3), 0, 1)


def background(rng: Generator, side: int) -> Picture:
    """Ground that brightens into the distance, in the colours of a random place, [side, side, 3] in 0..1."""
    palette = PLACES[rng.integers(len(PLACES))]
    up = 1 - np.linspace(0, 1, side)[:, None]
    horizon, depth = rng.uniform(0.35, 0.9), rng.uniform(0.15, 0.45)
    ground = noise(rng, side, rng.uniform(1.0, 1.5), stretch=rng.uniform(1, 2.5))
    distance = 1 / (1 + np.exp(-(up - horizon) * 12)) * depth
    level = 0.22 + distance + 0.13 * ground * (1 - 0.6 * distance)
    tint = np.stack([noise(rng, side, 1.6) for _ in range(3)], axis=-1)
    return np.clip(coloured(level, palette) + 0.025 * tint, 0, 1)


def _axis(side: int, angle: float) -> Field:
    """Position along a direction, about 0..1 across the picture."""
    line = np.linspace(0, 1, side)
    return line[None, :] * math.cos(angle) + line[:, None] * math.sin(angle)
