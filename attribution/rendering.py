"""Attribution maps -> pictures. Nothing but the map, the image and the scale decides about a pixel."""

import struct
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Map = NDArray[np.floating]
Strength = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Style = Literal["white_to_red", "perceptual", "overlay"]
Scale = Literal["map", "pair"]

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Control points (OKLab L, a, b) of a cubic curve: near white, through yellow and red, to a dark purple.
_RAMP = np.array([(0.985, 0.0, 0.008), (0.90, 0.002, 0.132), (0.50, 0.275, 0.090), (0.26, 0.088, -0.09)])
# The overlay's heat runs from yellow to red, and shows most of itself where the map is strong.
_HEAT = np.array([(0.90, -0.02, 0.165), (0.63, 0.22, 0.12)])
_STRONGEST_ALPHA = 0.9


def render_pair(
    original: Map, finetuned: Map, image: Pixels, *, style: Style, scale: Scale
) -> tuple[Image.Image, Image.Image]:
    """The pictures of an original and a finetuned map [H, W] of one image, uint8 [H, W, 3].

    Only the positive part of a map is shown. ``scale="map"`` divides each map by its own maximum (as the published
    study did), ``"pair"`` both by the larger one, so that strengths compare. A map without a positive value has the
    zero colour everywhere. Raises ValueError for an unknown style or scale, values that are not finite, and differing
    sizes.
    """
    if style not in RENDERINGS:
        raise ValueError(f'unknown style "{style}": use {", ".join(RENDERINGS)}')
    if scale not in ("map", "pair"):
        raise ValueError(f'unknown scale "{scale}": use map or pair')
    maps = [_positive(original, "original", image), _positive(finetuned, "finetuned", image)]
    tops = [float(strength.max()) for strength in maps]
    if scale == "pair":
        tops = [max(tops)] * 2
    render = RENDERINGS[style]
    first, second = (
        Image.fromarray(render(strength / top if top > 0 else strength, image))
        for strength, top in zip(maps, tops, strict=True)
    )
    return first, second


def render_image(image: Pixels) -> Image.Image:
    """The picture of an image, uint8 [H, W, 3]. Raises ValueError for anything else."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"the image is {image.dtype} {image.shape}: give uint8 [H, W, 3]")
    return Image.fromarray(np.ascontiguousarray(image))


def encode_png(picture: Image.Image) -> bytes:
    """PNG bytes that depend on the pixels alone: no time, no software, no profile."""
    bare = Image.frombytes("RGB", picture.size, picture.convert("RGB").tobytes())
    buffer = BytesIO()
    # Level 9 makes a map a seventh smaller, but takes ten to eighty times as long as 3: longer than making the map.
    bare.save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()


def png_chunks(png: bytes) -> list[str]:
    """The names of a PNG's chunks in order. Raises ValueError if the bytes are not a whole PNG."""
    if not png.startswith(_PNG_SIGNATURE):
        raise ValueError("not a PNG: encode the picture with encode_png")
    names: list[str] = []
    place = len(_PNG_SIGNATURE)
    while place + 8 <= len(png):
        length, name = struct.unpack(">I4s", png[place : place + 8])
        names.append(name.decode("latin-1"))
        place += length + 12
    if place != len(png) or names[-1] != "IEND":
        raise ValueError("the PNG is cut off: encode the picture again")
    return names


def white_to_red(strength: Strength, image: Pixels) -> Pixels:
    """White at 0, pure red at 1, linear in sRGB between, as the published study showed its maps."""
    fading = _to_bytes(1 - strength)
    return np.stack([np.full_like(fading, 255), fading, fading], axis=-1)


def perceptual(strength: Strength, image: Pixels) -> Pixels:
    """Near white at 0 to dark purple at 1 in steps that look equally large (see `perceptual_ramp`)."""
    levels = _to_bytes(np.asarray(perceptual_ramp()))
    return levels[np.rint(strength * 255).astype(np.intp)]


def overlay(strength: Strength, image: Pixels) -> Pixels:
    """The image in grey with yellow-to-red heat over it, the more opaque the stronger the map."""
    luma = image @ np.array([0.299, 0.587, 0.114]) / 255
    grey = np.repeat((0.1 + 0.8 * luma)[..., None], 3, axis=-1)
    heat = oklab_to_srgb(_HEAT[0] + strength[..., None] * (_HEAT[1] - _HEAT[0]))
    alpha = _STRONGEST_ALPHA * strength[..., None] ** 0.75
    return _to_bytes(grey * (1 - alpha) + heat * alpha)


# How a map becomes a picture: (strength [H, W] in 0..1, image uint8 [H, W, 3]) -> uint8 [H, W, 3].
RENDERINGS: dict[str, Callable[[Strength, Pixels], Pixels]] = {
    "white_to_red": white_to_red,
    "perceptual": perceptual,
    "overlay": overlay,
}


@cache
def perceptual_ramp(levels: int = 256) -> tuple[tuple[float, float, float], ...]:
    """sRGB colours (0..1) at equal distances in OKLab along a smooth curve of falling lightness.

    The curve is a cubic Bezier in OKLab, walked in steps of equal length; the length of a short step is the colour
    difference Delta E OK.
    """
    t = np.linspace(0, 1, 20001)[:, None]
    p0, p1, p2, p3 = _RAMP
    curve = (1 - t) ** 3 * p0 + 3 * (1 - t) ** 2 * t * p1 + 3 * (1 - t) * t**2 * p2 + t**3 * p3
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    at = np.linspace(0, length[-1], levels)
    lab = np.stack([np.interp(at, length, curve[:, channel]) for channel in range(3)], axis=-1)
    return tuple((float(red), float(green), float(blue)) for red, green, blue in oklab_to_srgb(lab))


def oklab_to_srgb(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """OKLab [..., 3] -> sRGB [..., 3], not clipped: values outside 0..1 have no sRGB colour (Ottosson 2020)."""
    to_cone_roots = np.array(
        [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
    )
    to_linear = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = (lab @ to_cone_roots.T) ** 3 @ to_linear.T
    bright = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, bright))


def _positive(attribution: Map, name: str, image: Pixels) -> Strength:
    if attribution.ndim != 2 or attribution.shape != image.shape[:2]:
        raise ValueError(f"the {name} map is {attribution.shape} but the image {image.shape}: give [H, W] of its size")
    if not np.isfinite(attribution).all():
        raise ValueError(f"the {name} map has values that are not finite: leave this image out")
    return np.maximum(np.asarray(attribution, dtype=np.float64), 0)


def _to_bytes(values: NDArray[np.float64]) -> Pixels:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
