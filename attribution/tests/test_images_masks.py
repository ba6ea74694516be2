"""Where masks come from."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attribution.images.classes import image_class
from attribution.images.masks import MarkedPixels, NumberedPixels, read_numbers
from attribution.tests.images import palette_mask

NUMBERS = [[0, 1, 2], [3, 255, 1]]
KNOWN = frozenset({0, 1, 2, 3, 255})


def test_the_palettes_colours_do_not_matter(tmp_path: Path) -> None:
    palette = palette_mask(tmp_path / "palette.png", NUMBERS)
    grey = tmp_path / "grey.png"
    Image.fromarray(np.array(NUMBERS, dtype=np.uint8)).save(grey)
    for path in (palette, grey):
        assert read_numbers(path, KNOWN, "index").tolist() == NUMBERS


def test_red_and_green_make_one_number(tmp_path: Path) -> None:
    Image.fromarray(np.array([[[232, 3, 0], [0, 1, 0], [7, 0, 0]]], dtype=np.uint8)).save(tmp_path / "a.png")
    assert read_numbers(tmp_path / "a.png", {1000, 256, 7}, "red_green").tolist() == [[1000, 256, 7]]


def test_the_values_of_the_object_are_its_pixels(tmp_path: Path) -> None:
    mask = NumberedPixels(palette_mask(tmp_path / "a.png", NUMBERS), frozenset({1, 255}), KNOWN)
    assert mask.size() == (3, 2)
    assert mask.read().astype(int).tolist() == [[0, 1, 0], [0, 1, 1]]


def test_a_mask_is_turned_upright_by_its_exif_data(tmp_path: Path) -> None:
    path = palette_mask(tmp_path / "a.png", NUMBERS)
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(path) as file:
        file.load()
    file.save(path, exif=exif)
    numbered, marked = NumberedPixels(path, frozenset({1}), KNOWN), MarkedPixels(path)
    assert numbered.size() == marked.size() == (2, 3)
    # A turn clockwise: the first row becomes the last column.
    assert numbered.read().astype(int).tolist() == [[0, 0], [0, 1], [1, 0]]
    assert marked.read().astype(int).tolist() == [[1, 0], [1, 1], [1, 1]]


def test_one_file_with_other_values_has_another_digest(tmp_path: Path) -> None:
    path = palette_mask(tmp_path / "a.png", NUMBERS)
    digests = {NumberedPixels(path, frozenset(values), KNOWN).digest() for values in ({1}, {2}, {1, 2}, {2, 1})}
    assert len(digests) == 3


def test_the_largest_class_is_the_images_and_the_first_name_of_two_equal_ones() -> None:
    assert image_class({"dog": 0.2, "cat": 0.3}, least=0.01, several="largest") == "cat"
    assert image_class({"dog": 0.3, "cat": 0.3}, least=0.01, several="largest") == "cat"
    assert image_class({"dog": 0.3, "cat": 0.009}, least=0.01, several="skip") == "dog"


@pytest.mark.parametrize("shares", [{}, {"cat": 0.0}, {"cat": 0.009}])
def test_an_image_without_a_large_object_has_no_class(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no object is large enough"):
        image_class(shares, least=0.01, several="largest")
