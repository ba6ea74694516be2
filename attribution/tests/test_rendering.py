"""Rendering: maps and images -> pictures."""

from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from attribution.rendering import (
    RENDERINGS,
    Scale,
    Style,
    encode_png,
    oklab_to_srgb,
    perceptual_ramp,
    png_chunks,
    render_image,
    render_pair,
)

STYLES: tuple[Style, ...] = ("white_to_red", "perceptual", "overlay")
MAP = np.array([[0.0, 1.0], [2.0, -4.0]])
HALF = np.array([[0.0, 0.5], [1.0, 0.25]])
IMAGE = np.array([[[0, 0, 0], [255, 255, 255]], [[255, 0, 0], [0, 0, 255]]], dtype=np.uint8)


def pixels(original: NDArray[np.float64], finetuned: NDArray[np.float64], style: Style, scale: Scale) -> list[object]:
    return [
        np.asarray(picture).tolist() for picture in render_pair(original, finetuned, IMAGE, style=style, scale=scale)
    ]


def srgb_to_oklab(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """The way into OKLab, with the matrices of Ottosson 2020 for this direction."""
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    cones = (
        linear
        @ np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        ).T
    )
    return np.asarray(
        np.cbrt(cones)
        @ np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        ).T
    )


def test_white_to_red_is_white_at_zero_and_below_and_pure_red_at_the_maximum() -> None:
    white, pink, red = [255, 255, 255], [255, 128, 128], [255, 0, 0]
    assert pixels(MAP, MAP, "white_to_red", "map")[0] == [[white, pink], [red, white]]


def test_per_map_scale_hides_strength_and_per_pair_scale_shows_it() -> None:
    first, second = pixels(np.maximum(MAP, 0), np.maximum(MAP, 0) / 2, "white_to_red", "map")
    assert first == second
    first, second = pixels(MAP, HALF, "white_to_red", "pair")
    assert first == [[[255] * 3, [255, 128, 128]], [[255, 0, 0], [255] * 3]]
    assert second == [[[255] * 3, [255, 191, 191]], [[255, 128, 128], [255, 223, 223]]]


def test_the_registry_has_the_styles_that_the_type_names() -> None:
    assert tuple(RENDERINGS) == STYLES


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("scale", ["map", "pair"])
def test_a_zero_map_has_the_zero_colour_everywhere(style: Style, scale: Scale) -> None:
    nothing = np.zeros((2, 2))
    zero = pixels(nothing, -MAP.clip(0), style, scale)
    assert zero[0] == zero[1]
    beside = np.array([[0.0, 0.0], [0.0, 1.0]])
    shown = np.array(pixels(beside, beside, style, scale)[0])
    assert shown[0].tolist() == np.array(zero[0])[0].tolist()
    assert shown[1, 1].tolist() != np.array(zero[0])[1, 1].tolist()


def test_the_ramp_runs_in_equal_steps_of_colour_difference() -> None:
    steps = np.linalg.norm(np.diff(srgb_to_oklab(np.array(perceptual_ramp())), axis=0), axis=1)
    assert steps.max() / steps.min() < 1.01


def test_the_bytes_of_the_ramp_keep_its_steps() -> None:
    line = np.linspace(0, 1, 16)[None]  # 255 levels divide into 15 steps
    picture = np.asarray(render_pair(line, line, np.zeros((1, 16, 3), np.uint8), style="perceptual", scale="map")[0])
    steps = np.linalg.norm(np.diff(srgb_to_oklab(picture[0] / 255), axis=0), axis=1)
    assert steps.max() / steps.min() < 1.1


def test_the_ramp_gets_darker_all_the_way_and_stays_in_srgb() -> None:
    ramp = np.array(perceptual_ramp())
    assert (np.diff(srgb_to_oklab(ramp)[:, 0]) < 0).all()
    assert ramp.min() >= 0
    assert ramp.max() <= 1


def test_oklab_and_back_is_the_same_colour() -> None:
    colours = np.random.default_rng(1).random((50, 3))
    assert np.allclose(oklab_to_srgb(srgb_to_oklab(colours)), colours, atol=1e-6)
    assert np.allclose(srgb_to_oklab(np.ones(3)), [1, 0, 0], atol=1e-6)


def test_the_overlay_is_grey_where_the_map_is_not_positive() -> None:
    shown = np.array(pixels(MAP, MAP, "overlay", "map")[0])
    assert len(set(shown[0, 0].tolist())) == 1
    assert len(set(shown[1, 1].tolist())) == 1
    red, green, blue = shown[1, 0]
    assert red > 200 > 100 > max(green, blue)


@pytest.mark.parametrize("style", STYLES)
def test_pictures_have_the_size_of_the_image(style: Style) -> None:
    image = np.zeros((5, 9, 3), np.uint8)
    maps = np.random.default_rng(1).normal(size=(2, 5, 9)).astype(np.float32)
    pictures = render_pair(maps[0], maps[1], image, style=style, scale="map")
    assert [picture.size for picture in pictures] == [(9, 5), (9, 5)]
    assert [picture.mode for picture in pictures] == ["RGB", "RGB"]
    assert render_image(image).size == (9, 5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_raise(value: float) -> None:
    broken = np.array([[0.0, value], [0.0, 0.0]])
    with pytest.raises(ValueError, match="the finetuned map has values that are not finite"):
        render_pair(MAP, broken, IMAGE, style="white_to_red", scale="map")


def test_a_map_of_another_size_raises() -> None:
    with pytest.raises(ValueError, match=r"the original map is \(3, 3\) but the image \(2, 2, 3\)"):
        render_pair(np.zeros((3, 3)), MAP, IMAGE, style="white_to_red", scale="map")


def test_unknown_names_raise_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="use white_to_red, perceptual, overlay"):
        render_pair(MAP, MAP, IMAGE, style="jet", scale="map")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="use map or pair"):
        render_pair(MAP, MAP, IMAGE, style="overlay", scale="study")  # type: ignore[arg-type]


def test_an_image_of_another_kind_raises() -> None:
    with pytest.raises(ValueError, match=r"the image is float64 \(2, 2\): give uint8"):
        render_image(MAP)


def test_png_bytes_depend_on_the_pixels_alone() -> None:
    plain = Image.fromarray(IMAGE)
    marked = Image.open(BytesIO(_saved(plain, dpi=(300, 300), text="made by the finetuned network")))
    assert encode_png(marked) == encode_png(plain)
    assert png_chunks(encode_png(marked)) == ["IHDR", "IDAT", "IEND"]
    assert np.array_equal(np.asarray(Image.open(BytesIO(encode_png(plain)))), IMAGE)


def test_bytes_that_are_no_whole_png_raise() -> None:
    with pytest.raises(ValueError, match="not a PNG"):
        png_chunks(b"GIF89a")
    with pytest.raises(ValueError, match="cut off"):
        png_chunks(encode_png(Image.fromarray(IMAGE))[:-8])


def _saved(image: Image.Image, *, dpi: tuple[int, int], text: str) -> bytes:
    info = PngInfo()
    info.add_text("Comment", text)
    buffer = BytesIO()
    image.save(buffer, "PNG", dpi=dpi, pnginfo=info)
    return buffer.getvalue()
