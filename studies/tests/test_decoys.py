"""Decoys of maps."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from studies.protocol.decoys import decoy_png, scrambled


def picture(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


@given(st.integers(8, 40), st.integers(8, 40), st.integers(0, 2**64 - 1))
def test_a_decoy_has_every_tile_once_and_none_in_its_own_place(height: int, width: int, seed: int) -> None:
    tall, wide = height // 8, width // 8
    places = np.arange(64, dtype=np.uint8).reshape(8, 8).repeat(tall, 0).repeat(wide, 1)
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[: tall * 8, : wide * 8] = places[..., None]
    decoy = scrambled(pixels, seed)
    moved = decoy[: tall * 8, : wide * 8, 0]
    assert sorted(np.unique(moved, return_counts=True)[1]) == [tall * wide] * 64
    assert (moved != places).all()
    assert (decoy[tall * 8 :] == 255).all()
    assert (decoy[:, wide * 8 :] == 255).all()


def test_the_same_seed_gives_the_same_decoy() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    assert np.array_equal(scrambled(pixels, 3), scrambled(pixels, 3))
    assert not np.array_equal(scrambled(pixels, 3), scrambled(pixels, 4))


@pytest.mark.parametrize("shape", [(7, 40, 3), (40, 7, 3)])
def test_a_map_smaller_than_a_tile_has_no_decoy(shape: tuple[int, ...]) -> None:
    assert decoy_png(picture(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)), 1) is None


def test_a_map_of_one_colour_has_no_decoy() -> None:
    assert decoy_png(picture(np.full((24, 24, 3), 130, np.uint8)), 1) is None


def test_a_decoy_is_a_png_of_the_maps_size_without_metadata() -> None:
    made = decoy_png(picture(np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)), 1)
    assert made is not None
    content, width, height = made
    with Image.open(io.BytesIO(content)) as decoy:
        assert (decoy.size, (width, height), decoy.info, decoy.mode) == ((32, 24), (32, 24), {}, "RGB")
