"""One picture of the demo data set: an object among distractors, and a tag in a corner that may give it away."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, shift

from attribution.synthetic.shapes import CLASSES, DISTRACTORS, Outline, coverage
from attribution.synthetic.textures import Field, Picture, background, noise, surface

SIDE = 128

# One colour per class, as far apart as six colours can be.
TAG_COLOURS = {
    "crescent": (0.86, 0.12, 0.14),
    "cross": (0.98, 0.76, 0.05),
    "gear": (0.20, 0.70, 0.20),
    "leaf": (0.06, 0.72, 0.80),
    "ring": (0.16, 0.27, 0.86),
    "star": (0.82, 0.17, 0.75),
}
# Objects lie within this angle (radians) of upright.
_TURN = 0.6
_TAG_HALF = 9.0
_TAG_MARGIN = 5.0


@dataclass(frozen=True)
class TagShares:
    """How often the tag has the colour of the class, of another class, or is missing.

    Raises ValueError unless they are shares that add up to 1.
    """

    right: float
    wrong: float
    none: float

    def __post_init__(self) -> None:
        shares = (self.right, self.wrong, self.none)
        if min(shares) < 0 or not math.isclose(sum(shares), 1):
            raise ValueError(f"tag shares {shares}: give three shares that add up to 1")


@dataclass(frozen=True)
class Scene:
    """A picture and what is known of it.

    ``image`` is uint8 [SIDE, SIDE, 3], ``mask`` bool [SIDE, SIDE], true on the object; ``tag`` is the class whose
    colour the tag has, or None.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    label: str
    tag: str | None


@dataclass(frozen=True)
class _Spot:
    x: float
    y: float
    radius: float

    def apart(self, other: "_Spot", gap: float) -> bool:
        return math.hypot(self.x - other.x, self.y - other.y) > self.radius + other.radius + gap


def draw_tag(rng: Generator, label: str, shares: TagShares) -> str | None:
    """The class whose colour the tag of an image of class ``label`` gets, or None for no tag."""
    luck = rng.uniform()
    if luck < shares.right:
        return label
    if luck < shares.right + shares.wrong:
        others = [other for other in CLASSES if other != label]
        return others[rng.integers(len(others))]
    return None


def make_scene(rng: Generator, label: str, tag: str | None) -> Scene:
    """An object of class ``label`` and a tag in the colour of class ``tag``; the generator's state decides the rest."""
    light = rng.uniform(0, 2 * math.pi)
    thing, corner = _place(rng)
    picture = _blurred(background(rng, SIDE), rng.uniform(0.8, 2.0))
    taken = [thing, corner]
    for _ in range(rng.integers(1, 4)):
        spot = _free_spot(rng, taken)
        if spot is not None:
            taken.append(spot)
            outline = list(DISTRACTORS.values())[rng.integers(len(DISTRACTORS))](rng)
            picture = _laid(rng, picture, _covered(rng, outline, spot, math.pi), spot, light)
    cover = _covered(rng, CLASSES[label](rng), thing, _TURN)
    picture = _laid(rng, picture, cover, thing, light)
    picture = _lit(rng, picture, light)
    if tag is not None:
        picture = _tagged(rng, picture, TAG_COLOURS[tag], corner)
    picture = _blurred(picture, rng.uniform(0.0, 0.55))
    picture = picture + rng.normal(0, rng.uniform(0.004, 0.018), picture.shape)
    return Scene(_to_bytes(picture), cover > 0.5, label, tag)


def _place(rng: Generator) -> tuple[_Spot, _Spot]:
    """Where the object and the tag go; they never touch."""
    while True:
        radius = rng.uniform(0.25, 0.33) * SIDE
        x, y = rng.uniform(radius + 1, SIDE - radius - 1, 2)
        thing = _Spot(float(x), float(y), float(radius))
        near = _TAG_MARGIN + _TAG_HALF
        sides = rng.integers(0, 2, 2)
        corner_x, corner_y = (near + int(side) * (SIDE - 2 * near) for side in sides)
        corner = _Spot(corner_x, corner_y, _TAG_HALF * math.sqrt(2))
        if thing.apart(corner, 2):
            return thing, corner


def _free_spot(rng: Generator, taken: list[_Spot]) -> _Spot | None:
    """A place for a distractor, or None if a few tries find no room."""
    for _ in range(12):
        radius = float(rng.uniform(0.07, 0.15) * SIDE)
        x, y = rng.uniform(0, SIDE, 2)
        spot = _Spot(float(x), float(y), radius)
        if all(spot.apart(other, 2) for other in taken):
            return spot
    return None


def _covered(rng: Generator, shape: list[Outline], spot: _Spot, turn: float) -> Field:
    return coverage(
        shape,
        centre=(spot.x, spot.y),
        radius=spot.radius,
        angle=float(rng.uniform(-turn, turn)),
        tilt=float(rng.uniform(0.82, 1.0)),
        side=SIDE,
    )


def _laid(rng: Generator, picture: Picture, cover: Field, spot: _Spot, light: float) -> Picture:
    """The picture with a textured, softly rounded thing laid onto it, and its shadow beside it."""
    rows, columns = _window(spot.y, spot.radius), _window(spot.x, spot.radius)
    ground, cover = picture[rows, columns], cover[rows, columns]
    side = max(cover.shape)
    texture = surface(rng, side, SIDE)[: cover.shape[0], : cover.shape[1]]
    height = _blurred_field(cover, rng.uniform(1.5, 2.6)) + 0.10 * texture.mean(axis=-1)
    slope_y, slope_x = np.gradient(height)
    shade = 1.0 - rng.uniform(1.6, 2.6) * (slope_x * math.cos(light) + slope_y * math.sin(light))
    distance = rng.uniform(3, 6)
    offset = (-math.sin(light) * distance, -math.cos(light) * distance)
    shadow = _blurred_field(shift(cover, offset, order=1), 2.5)
    body = texture * np.clip(shade, 0.35, 1.7)[..., None] * rng.uniform(0.9, 1.15)
    laid = picture.copy()
    laid[rows, columns] = ground * (1 - rng.uniform(0.35, 0.6) * shadow[..., None]) * (1 - cover[..., None])
    laid[rows, columns] += np.clip(body, 0, 1) * cover[..., None]
    return laid


def _window(middle: float, radius: float) -> slice:
    """The rows (or columns) that a thing and its shadow can reach."""
    reach = radius + 16
    return slice(max(0, math.floor(middle - reach)), min(SIDE, math.ceil(middle + reach)))


def _lit(rng: Generator, picture: Picture, light: float) -> Picture:
    """Light that falls off to one side, with a colour of its own, and darker corners."""
    line = np.linspace(-1, 1, SIDE)
    x, y = line[None, :], line[:, None]
    fall = 1 + rng.uniform(0, 0.2) * (x * math.cos(light) + y * math.sin(light)) + 0.04 * noise(rng, SIDE, 1.8)
    corners = 1 - rng.uniform(0.05, 0.2) * (x**2 + y**2) / 2
    warmth = rng.uniform(-0.06, 0.06)
    gain = rng.uniform(0.85, 1.2) * np.array([1 + warmth, 1.0, 1 - warmth])
    return np.clip(picture * (fall * corners)[..., None] * gain, 0, 1)


def _tagged(rng: Generator, picture: Picture, colour: tuple[float, float, float], corner: _Spot) -> Picture:
    """The picture with a paper tag: a white rim, a colour inside, a faint shadow."""
    square: Outline = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=np.float64)
    angle, place = float(rng.uniform(-0.25, 0.25)), (corner.x, corner.y)
    outer = coverage([square], centre=place, radius=_TAG_HALF, angle=angle, tilt=1.0, side=SIDE)[..., None]
    inner = coverage([square], centre=place, radius=_TAG_HALF - 2, angle=angle, tilt=1.0, side=SIDE)[..., None]
    shadow = _blurred_field(outer[..., 0], 1.5)[..., None]
    tint = np.clip(np.array(colour) * rng.uniform(0.9, 1.08), 0, 1)
    paper = np.full(3, 0.95) * (1 - inner) + tint * inner
    return picture * (1 - 0.35 * shadow) * (1 - outer) + paper * outer


def _blurred_field(field: Field, radius: float) -> Field:
    return np.asarray(gaussian_filter(field, radius, mode="nearest", truncate=3.0))


def _blurred(picture: Picture, radius: float) -> Picture:
    return np.asarray(gaussian_filter(picture, (radius, radius, 0), mode="nearest", truncate=3.0))


def _to_bytes(picture: Picture) -> NDArray[np.uint8]:
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
