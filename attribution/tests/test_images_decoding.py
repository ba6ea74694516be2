"""decode and normalise."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision.transforms import v2

from attribution.images import Dataset, Preprocessing, decode, decoding, list_csv, list_folder, normalise
from attribution.images.decoding import to_rgb
from attribution.images.masks import to_mask
from attribution.tests.images import class_folders, mask_file, photo

PLAIN = Preprocessing(size=8, mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.5))
ORIENTATION = 0x0112


def dataset_of(root: Path, *, masks: bool = False) -> Dataset:
    return list_folder(root / "images", name="pets", masks=root / "masks" if masks else None, where="study.toml")


def only_image(root: Path, preprocessing: Preprocessing = PLAIN) -> NDArray[np.uint8]:
    decoded = decode(dataset_of(root), preprocessing, root / "cache")
    assert decoded.unreadable == ()
    return np.array(decoded.images[0])


@pytest.mark.parametrize("size", [(40, 31), (31, 40), (33, 33)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_the_crop_gives_the_pixels_of_torchvision(tmp_path: Path, size: tuple[int, int], interpolation: str) -> None:
    path = photo(tmp_path / "images" / "cat" / "1.png", size)
    preprocessing = Preprocessing(
        size=15,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        resize=20,
        interpolation="bicubic" if interpolation == "bicubic" else "bilinear",
    )
    steps = v2.Compose([v2.Resize(20, interpolation=v2.InterpolationMode(interpolation)), v2.CenterCrop(15)])
    assert np.array_equal(only_image(tmp_path, preprocessing), np.asarray(steps(Image.open(path))))


def test_squash_keeps_the_whole_image(tmp_path: Path) -> None:
    path = photo(tmp_path / "images" / "cat" / "1.png", (40, 20))
    squashed = only_image(tmp_path, Preprocessing(size=8, mean=(0, 0, 0), std=(1, 1, 1), fit="squash"))
    assert np.array_equal(squashed, np.asarray(Image.open(path).resize((8, 8), Image.Resampling.BILINEAR)))


@pytest.mark.parametrize("fit", ["crop", "squash"])
def test_the_mask_goes_the_way_of_its_image(tmp_path: Path, fit: str) -> None:
    size = (40, 24)
    mask = Image.open(mask_file(tmp_path / "masks" / "cat" / "1.png", size, box=(10, 4, 25, 20)))
    (tmp_path / "images" / "cat").mkdir(parents=True)
    mask.convert("RGB").save(tmp_path / "images" / "cat" / "1.png")
    preprocessing = Preprocessing(
        size=12, mean=(0, 0, 0), std=(1, 1, 1), fit="squash" if fit == "squash" else "crop", resize=None
    )
    decoded = decode(dataset_of(tmp_path, masks=True), preprocessing, tmp_path / "cache")
    assert decoded.masks is not None
    assert decoded.masks.dtype == np.bool_
    # Where the image is a picture of its mask, both agree but for blurred edges.
    seen = decoded.images[0, :, :, 0]
    assert decoded.masks[0].any()
    assert not decoded.masks[0][seen == 0].any()
    assert decoded.masks[0][seen == 255].all()


def test_a_box_is_set_inside_with_its_edges(tmp_path: Path) -> None:
    photo(tmp_path / "images" / "1.png", (8, 8))
    (tmp_path / "index.csv").write_text("image,label,x0,y0,x1,y1\n1.png,cat,2,3,4,7\n")
    columns = {key: key for key in ("image", "label", "x0", "y0", "x1", "y1")}
    dataset = list_csv(tmp_path / "index.csv", tmp_path / "images", name="pets", columns=columns, where="study.toml")
    decoded = decode(dataset, PLAIN, tmp_path / "cache")
    expected = np.zeros((8, 8), dtype=np.bool_)
    expected[3:8, 2:5] = True
    assert decoded.masks is not None
    assert np.array_equal(decoded.masks[0], expected)


def test_exif_rotation_turns_the_image_and_the_mask_fits_it_upright(tmp_path: Path) -> None:
    pixels = np.zeros((8, 16, 3), dtype=np.uint8)
    pixels[:, 8:] = 255
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    (tmp_path / "images" / "cat").mkdir(parents=True)
    Image.fromarray(pixels).save(tmp_path / "images" / "cat" / "1.png", exif=exif)
    mask_file(tmp_path / "masks" / "cat" / "1.png", (8, 16), box=(0, 8, 7, 15))
    preprocessing = Preprocessing(size=8, mean=(0, 0, 0), std=(1, 1, 1), fit="squash")
    decoded = decode(dataset_of(tmp_path, masks=True), preprocessing, tmp_path / "cache")
    assert decoded.unreadable == ()
    assert decoded.images[0, 0].max() == 0
    assert decoded.images[0, 7].min() == 255
    assert decoded.masks is not None
    assert decoded.masks[0].sum(axis=1).tolist() == [0, 0, 0, 0, 8, 8, 8, 8]


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "CMYK", "I;16", "LA"])
def test_every_kind_of_pixel_becomes_rgb_of_the_same_grey(tmp_path: Path, mode: str) -> None:
    grey = np.full((8, 8), 255 if mode == "1" else 96, dtype=np.uint8)
    image = Image.fromarray(grey)
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode == "CMYK":
        image = image.convert("RGB").convert("CMYK")
    elif mode != "L":
        image = image.convert(mode)
    path = tmp_path / "images" / "cat" / ("1.tif" if mode == "CMYK" else "1.png")
    path.parent.mkdir(parents=True)
    image.save(path)
    assert np.abs(only_image(tmp_path).astype(int) - int(grey[0, 0])).max() <= 1


def test_transparency_lies_over_white() -> None:
    image = Image.new("RGBA", (1, 2), (200, 0, 0, 0))
    image.putpixel((0, 1), (200, 0, 0, 255))
    assert np.asarray(to_rgb(image)).tolist() == [[[255, 255, 255]], [[200, 0, 0]]]


def test_pixels_of_unknown_range_are_refused() -> None:
    with pytest.raises(ValueError, match="32-bit pixels: save the image with 8 or 16 bits"):
        to_rgb(Image.fromarray(np.full((2, 2), 70000, dtype=np.int32)))
    with pytest.raises(ValueError, match="floating point pixels"):
        to_rgb(Image.fromarray(np.ones((2, 2), dtype=np.float32)))


def test_masks_of_any_kind_mark_what_is_not_zero() -> None:
    values = np.array([[0, 1], [128, 255]], dtype=np.uint8)
    marked = [[False, True], [True, True]]
    colour = np.zeros((2, 2, 4), dtype=np.uint8)
    colour[..., 2] = values
    assert to_mask(Image.fromarray(values)).tolist() == marked
    assert to_mask(Image.fromarray(colour[..., :3])).tolist() == marked
    assert not to_mask(Image.fromarray(colour)).any()
    colour[..., 3] = 255
    assert to_mask(Image.fromarray(colour)).tolist() == marked


def test_a_palette_with_an_alpha_channel_marks_what_is_opaque() -> None:
    image = Image.new("PA", (3, 1))
    for x, pixel in enumerate([(0, 255), (1, 255), (1, 0)]):
        image.putpixel((x, 0), pixel)
    assert to_mask(image).tolist() == [[False, True, False]]


@pytest.mark.parametrize("transparency", [2, b"\xff\xff\x00"])
def test_palette_entries_that_a_file_names_transparent_are_no_mask(tmp_path: Path, transparency: int | bytes) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.save(tmp_path / "m.png", transparency=transparency)
    with Image.open(tmp_path / "m.png") as read:
        assert read.mode == "P"
        assert to_mask(read).tolist() == [[False, True, False]]


@pytest.mark.parametrize(("mode", "colour"), [("L", 7), ("RGB", (7, 7, 7))])
def test_a_colour_that_a_file_names_transparent_is_no_mask(
    tmp_path: Path, mode: str, colour: int | tuple[int, int, int]
) -> None:
    image = Image.fromarray(np.array([[0, 7, 9]], dtype=np.uint8)).convert(mode)
    image.save(tmp_path / "m.png", transparency=colour)
    with Image.open(tmp_path / "m.png") as read:
        assert read.mode == mode
        assert to_mask(read).tolist() == [[False, False, True]]


def test_a_slow_writer_is_not_buried_in_decoded_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted, outstanding = 0, []

    class Counted(ThreadPoolExecutor):
        def submit(self, *arguments: Any, **named: Any) -> Any:
            nonlocal submitted
            submitted += 1
            return super().submit(*arguments, **named)

    def writer(_what: str, done: int, _total: int) -> None:
        # However slow it is: no more than these can be in memory.
        outstanding.append(submitted - done)

    monkeypatch.setattr(decoding, "ThreadPoolExecutor", Counted)
    dataset = list_folder(class_folders(tmp_path, ["cat"], 40), name="pets", where="study.toml")
    decode(dataset, PLAIN, tmp_path / "cache", workers=2, progress=writer)
    assert submitted == len(outstanding) == 40
    assert max(outstanding) == 2 * decoding.AHEAD - 1
    assert outstanding[-1] == 0


def test_a_truncated_image_is_named_and_its_row_marked(tmp_path: Path) -> None:
    images = class_folders(tmp_path, ["cat"], 3, masks=True)
    path = photo(images / "cat" / "0.jpg", (60, 60))
    path.write_bytes(path.read_bytes()[:-200])
    (images / "cat" / "0.png").unlink()
    mask_file(tmp_path / "masks" / "cat" / "0.png", (60, 60))
    decoded = decode(dataset_of(tmp_path, masks=True), PLAIN, tmp_path / "cache")
    assert len(decoded.unreadable) == 1
    assert decoded.unreadable[0].startswith(f"{path}: image file is truncated")
    assert decoded.readable.tolist() == [False, True, True]
    assert decoded.masks is not None
    assert not decoded.images[0].any()
    assert not decoded.masks[0].any()


def test_a_mask_that_the_crop_leaves_empty_is_reported(tmp_path: Path) -> None:
    for number, left in enumerate((0, 18)):
        photo(tmp_path / "images" / "cat" / f"{number}.png", (40, 8))
        mask_file(tmp_path / "masks" / "cat" / f"{number}.png", (40, 8), box=(left, 0, left + 4, 7))
    decoded = decode(dataset_of(tmp_path, masks=True), PLAIN, tmp_path / "cache")
    assert decoded.empty_masks == ("cat-0",)
    assert decoded.readable.all()


def test_the_second_call_finds_the_first_ones_work(tmp_path: Path) -> None:
    dataset = list_folder(
        class_folders(tmp_path, masks=True), name="pets", masks=tmp_path / "masks", where="study.toml"
    )
    calls: list[tuple[str, int, int]] = []

    def progress(what: str, done: int, total: int) -> None:
        calls.append((what, done, total))

    first = decode(dataset, PLAIN, tmp_path / "cache", progress=progress)
    assert calls == [("decoding images", number, 6) for number in range(1, 7)]
    assert not list((tmp_path / "cache").glob("*.tmp"))
    # The files are gone, so what comes back can only be the cache.
    for sample in dataset.samples:
        sample.path.unlink()
    other_scale = Preprocessing(size=8, mean=(0, 0, 0), std=(1, 1, 1))
    second = decode(dataset, other_scale, tmp_path / "cache", progress=progress)
    assert len(calls) == 6
    assert np.array_equal(first.images, second.images)
    assert isinstance(second.images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        second.images[0] = 0


def test_other_preprocessing_is_another_cache(tmp_path: Path) -> None:
    dataset = list_folder(class_folders(tmp_path), name="pets", where="study.toml")
    decode(dataset, PLAIN, tmp_path / "cache")
    assert decode(dataset, Preprocessing(9, (0, 0, 0), (1, 1, 1)), tmp_path / "cache").images.shape == (6, 9, 9, 3)
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_selection_with_the_digest_of_the_whole_is_another_cache(tmp_path: Path) -> None:
    whole = list_folder(class_folders(tmp_path), name="pets", where="study.toml")
    cats = replace(whole, samples=tuple(sample for sample in whole.samples if sample.label == "cat"))
    images = decode(whole, PLAIN, tmp_path / "cache").images
    assert np.array_equal(decode(cats, PLAIN, tmp_path / "cache").images, images[3:])


def test_an_interrupted_run_leaves_nothing_half_done(tmp_path: Path) -> None:
    dataset = list_folder(class_folders(tmp_path), name="pets", where="study.toml")

    def interrupt(what: str, done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decode(dataset, PLAIN, tmp_path / "cache", progress=interrupt)
    assert list((tmp_path / "cache").iterdir()) == []
    assert decode(dataset, PLAIN, tmp_path / "cache").readable.all()


def test_one_and_many_workers_give_the_same_arrays(tmp_path: Path) -> None:
    dataset = list_folder(class_folders(tmp_path), name="pets", where="study.toml")
    one = decode(dataset, PLAIN, tmp_path / "one", workers=1)
    many = decode(dataset, PLAIN, tmp_path / "many", workers=4)
    assert np.array_equal(one.images, many.images)


def test_normalise_gives_channels_first_in_units_of_the_network() -> None:
    images = np.random.default_rng(1).integers(0, 256, (2, 3, 4, 3), dtype=np.uint8)
    steps = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(PLAIN.mean, PLAIN.std)])
    expected = torch.stack([steps(image) for image in images])
    got = normalise(images, PLAIN)
    assert got.is_contiguous()
    assert torch.allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 0}, "size is 0"),
        ({"fit": "pad"}, 'fit is "pad"'),
        ({"interpolation": "area"}, 'interpolation is "area"'),
        ({"resize": 4}, r"at least size \(8\)"),
        ({"std": (1, 0, 1)}, "std above 0"),
    ],
)
def test_impossible_preprocessing_is_refused(changes: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {"size": 8, "mean": (0, 0, 0), "std": (1, 1, 1)}
    with pytest.raises(ValueError, match=message):
        Preprocessing(**(arguments | changes))  # type: ignore[arg-type]
