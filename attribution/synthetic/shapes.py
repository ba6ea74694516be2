"""Outlines of the objects to tell apart, and of the distractors among them."""

import math
from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

# Corner points [n, 2] within the unit circle.
Outline = NDArray[np.float64]
# The first outline is filled, the others are holes in it.
Shape = list[Outline]

_SUPERSAMPLING = 4


def star(rng: Generator) -> Shape:
    """Five tips."""
    return [_polar(np.where(np.arange(10) % 2, rng.uniform(0.42, 0.52), 1.0))]


def ring(rng: Generator) -> Shape:
    """A disc with a wide hole."""
    return [_circle(1.0), _circle(rng.uniform(0.5, 0.66))]


def cross(rng: Generator) -> Shape:
    """Four equal arms."""
    arm = rng.uniform(0.23, 0.33)
    quarter = np.array([(arm, arm), (arm, 1.0), (-arm, 1.0)])
    quarters = [quarter]
    for _ in range(3):
        x, y = quarters[-1].T
        quarters.append(np.stack([-y, x], axis=-1))
    return [np.concatenate(quarters) * 0.95]


def gear(rng: Generator) -> Shape:
    """A toothed wheel with a small hole."""
    teeth = int(rng.integers(8, 12))
    root = rng.uniform(0.74, 0.8)
    # A tooth is four corners: up, along the tip, down, along the root.
    offsets = np.array([0.14, 0.36, 0.64, 0.86])
    angles = (np.arange(teeth)[:, None] + offsets).ravel() * 2 * math.pi / teeth
    radii = np.tile([root, 1.0, 1.0, root], teeth)
    return [_at(radii, angles), _circle(rng.uniform(0.24, 0.36))]


def crescent(rng: Generator) -> Shape:
    """A disc with another disc cut out of its side."""
    radius, shift = rng.uniform(0.78, 0.88), rng.uniform(0.38, 0.5)
    # The circles x^2 + y^2 = 1 and (x - shift)^2 + y^2 = radius^2 meet at x = meet.
    meet = (1 + shift**2 - radius**2) / (2 * shift)
    outer = math.acos(meet)
    inner = math.atan2(math.sqrt(1 - meet**2), meet - shift)
    around = _at(np.ones(60), np.linspace(outer, 2 * math.pi - outer, 60))
    back = _at(np.full(60, radius), np.linspace(2 * math.pi - inner, inner, 60)) + np.array([shift, 0])
    return [np.concatenate([around, back])]


def leaf(rng: Generator) -> Shape:
    """A pointed blade with a serrated edge and a stem."""
    along = np.linspace(0, 1, 49)
    width = rng.uniform(0.46, 0.62) * np.sin(math.pi * along**0.85) ** 0.9
    width = width * (1 - 0.13 * (along * 9 % 1))
    x = 1 - 1.6 * along
    stem = np.array([(-0.6, 0.05), (-1.0, 0.05), (-1.0, -0.05), (-0.6, -0.05)])
    return [np.concatenate([np.stack([x, width], axis=-1), stem, np.stack([x, -width], axis=-1)[::-1]])]


def rod(rng: Generator) -> Shape:
    """A straight bar."""
    half = rng.uniform(0.12, 0.2)
    return [np.array([(1, half), (1, -half), (-1, -half), (-1, half)]) * 0.97]


def triangle(rng: Generator) -> Shape:
    """Three unequal corners."""
    angles = np.array([0.0, 2.1, 4.2]) + rng.uniform(-0.35, 0.35, 3)
    return [_at(np.ones(3), angles)]


def half_disc(rng: Generator) -> Shape:
    """A disc cut through the middle."""
    return [0.92 * _at(np.ones(40), np.linspace(0, math.pi, 40)) - np.array([0, rng.uniform(0.25, 0.4)])]


def pebble(rng: Generator) -> Shape:
    """A smooth round blob."""
    angles = np.linspace(0, 2 * math.pi, 72, endpoint=False)
    radii = 0.82 + sum(rng.uniform(-0.09, 0.09) * np.cos(order * angles + rng.uniform(0, 6.3)) for order in (2, 3))
    return [_at(np.asarray(radii), angles)]


def chevron(rng: Generator) -> Shape:
    """Two bars that meet in a corner."""
    thick, tall = rng.uniform(0.4, 0.55), rng.uniform(0.6, 0.8)
    return [
        np.array([(-0.6, tall), (thick - 0.6, tall), (0.6, 0), (thick - 0.6, -tall), (-0.6, -tall), (0.6 - thick, 0)])
    ]


# The classes of the data set, in the order of their indices.
CLASSES: dict[str, Callable[[Generator], Shape]] = {
    "crescent": crescent,
    "cross": cross,
    "gear": gear,
    "leaf": leaf,
    "ring": ring,
    "star": star,
}
# Things that lie about and belong to no class.
DISTRACTORS: dict[str, Callable[[Generator], Shape]] = {
    "chevron": chevron,
    "half_disc": half_disc,
    "pebble": pebble,
    "rod": rod,
    "triangle": triangle,
}


def coverage(
    shape: Shape, *, centre: tuple[float, float], radius: float, angle: float, tilt: float, side: int
) -> NDArray[np.float64]:
    """How much of each pixel a shape covers, [side, side] in 0..1.

    ``centre`` (x, y) and ``radius`` are in pixels, ``angle`` in radians; ``tilt`` in 0..1 squeezes the shape along
    one axis before it is turned, as if seen from the side.
    """
    turn = np.array([(math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))])
    canvas = Image.new("L", (side * _SUPERSAMPLING,) * 2)
    draw = ImageDraw.Draw(canvas)
    for place, outline in enumerate(shape):
        points = (outline * np.array([1, tilt])) @ turn.T * radius + np.array(centre)
        draw.polygon([(float(x), float(y)) for x, y in points * _SUPERSAMPLING], fill=0 if place else 255)
    return np.asarray(canvas.reduce(_SUPERSAMPLING), dtype=np.float64) / 255


def _at(radii: NDArray[np.float64], angles: NDArray[np.float64]) -> Outline:
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=-1)


def _polar(radii: NDArray[np.float64]) -> Outline:
    return _at(radii, np.arange(len(radii)) * 2 * math.pi / len(radii))


def _circle(radius: float) -> Outline:
    return _polar(np.full(72, radius))
