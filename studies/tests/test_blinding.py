"""Pictures as annotators receive them."""

import io

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studies.blinding import MOVED_PIXELS, blinded_png


def png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(content, "PNG")
    return content.getvalue()


def pixels_of(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        assert (picture.format, picture.mode, picture.info) == ("PNG", "RGB", {})
        return np.asarray(picture).astype(int)


NOISE = np.random.default_rng(0).integers(0, 256, (40, 60, 3))


def test_a_few_hundred_pixels_are_one_grey_level_off() -> None:
    change = pixels_of(blinded_png(png(NOISE), secret="s", token="t", slot="left")) - NOISE
    moved = np.any(change != 0, axis=2)
    assert moved.sum() == MOVED_PIXELS
    assert set(np.unique(change)) == {-1, 0, 1}


@pytest.mark.parametrize("level", [0, 255])
def test_the_ends_of_the_scale_are_not_crossed(level: int) -> None:
    change = pixels_of(blinded_png(png(np.full((40, 40, 3), level)), secret="s", token="t", slot="left")) - level
    assert set(np.unique(change)) == {0, 1 if level == 0 else -1}


def test_the_same_token_and_slot_give_the_same_bytes() -> None:
    assert len({blinded_png(png(NOISE), secret="s", token="t", slot="left") for _ in range(3)}) == 1


def test_another_secret_token_or_slot_gives_other_bytes() -> None:
    keys = [("s", "t", "left"), ("s", "t", "right"), ("s", "u", "left"), ("r", "t", "left")]
    assert len({blinded_png(png(NOISE), secret=s, token=t, slot=slot) for s, t, slot in keys}) == 4


def test_the_length_depends_on_the_size_in_pixels_alone() -> None:
    flat = np.full((40, 60, 3), 255)
    assert len(png(flat)) < len(png(NOISE)) / 10
    lengths = {len(blinded_png(png(pixels), secret="s", token="t", slot="left")) for pixels in (flat, NOISE)}
    assert len(lengths) == 1


def test_metadata_does_not_pass() -> None:
    content = io.BytesIO()
    notes = PngInfo()
    notes.add_text("Comment", "finetuned")
    Image.fromarray(NOISE.astype(np.uint8)).save(content, "PNG", pnginfo=notes, dpi=(300, 300))
    assert b"finetuned" in content.getvalue()
    pixels_of(blinded_png(content.getvalue(), secret="s", token="t", slot="left"))


def test_a_tiny_picture_is_moved_in_a_quarter_of_its_pixels() -> None:
    change = pixels_of(blinded_png(png(np.full((4, 4, 3), 9)), secret="s", token="t", slot="left")) - 9
    assert np.any(change != 0, axis=2).sum() == 4
