"""Every image decoded once, in parallel, into memory-mapped arrays that later runs find again."""

import hashlib
import json
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, ImageOps

from attribution.images.headers import UNREADABLE_ERRORS, raise_if_passing, reason
from attribution.images.preprocessing import Preprocessing, fit_image
from attribution.images.samples import Box, Dataset, Sample
from attribution.last_words import SideBySide
from attribution.progress import Progress

# Part of the cache key: raise it when decoding changes.
_VERSION = 2
# Images that are decoded before they are asked for, per worker: what is written slowly must not fill the memory.
AHEAD = 4

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Decoded:
    """Arrays in the order of the dataset's samples; rows of unreadable samples are black, without a mask.

    ``images`` is uint8 [N, H, W, 3], ``masks`` bool [N, H, W] (None if no sample has a mask or box), ``readable``
    bool [N]. ``unreadable`` names the files with the reason, ``empty_masks`` the samples whose object fell victim to
    the crop or whose mask file is empty.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.bool_] | None
    readable: NDArray[np.bool_]
    unreadable: tuple[str, ...]
    empty_masks: tuple[str, ...]


def decode(
    dataset: Dataset,
    preprocessing: Preprocessing,
    cache: Path,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Decoded:
    """All images and masks of a dataset at network size, from the cache folder if they are there.

    Images are turned upright by their EXIF data, transparency is laid over white, 16 bits are cut to 8. A mask is
    what its source reads; boxes are true inside. The cache is keyed by the dataset's
    digest, its samples and the preprocessing (without mean and std), and appears whole or not at all.
    """
    folder = cache / f"decoded-{_key(dataset, preprocessing)}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", suffix=".tmp", dir=cache))
        try:
            _decode_into(partial, dataset, preprocessing, workers, progress)
            _rename(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return _open(folder)


def _key(dataset: Dataset, preprocessing: Preprocessing) -> str:
    pixels = {field: value for field, value in asdict(preprocessing).items() if field not in ("mean", "std")}
    # The names too: a selection from a dataset may carry the digest of the whole.
    names = [sample.name for sample in dataset.samples]
    parts = json.dumps([_VERSION, PIL.__version__, dataset.digest, names, pixels], sort_keys=True)
    return hashlib.sha256(parts.encode()).hexdigest()[:20]


def _rename(partial: Path, folder: Path) -> None:
    try:
        partial.replace(folder)
    except OSError:
        # Another run may have finished the same work meanwhile: then its folder stands, and is as good.
        if not folder.is_dir():
            raise


def _decode_into(
    folder: Path, dataset: Dataset, preprocessing: Preprocessing, workers: int | None, progress: Progress | None
) -> None:
    samples = dataset.samples
    shape = (len(samples), preprocessing.size, preprocessing.size)
    images = np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=np.uint8, shape=(*shape, 3))
    with_masks = any(sample.mask or sample.boxes for sample in samples)
    masks = None
    if with_masks:
        masks = np.lib.format.open_memmap(folder / "masks.npy", mode="w+", dtype=np.bool_, shape=shape)
    readable = np.ones(len(samples), dtype=np.bool_)
    unreadable: list[str] = []
    empty: list[str] = []

    decoding = SideBySide("decoding", "leave these images out of the data set, or make them smaller")

    def work(sample: Sample) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None] | str:
        with decoding.trying(sample.name):
            return _decode_sample(sample, preprocessing)

    # One at a time, so that the next word names the one that ends the process.
    for sample in samples:
        if sample.name in decoding.suspects:
            work(sample)
    workers = workers or os.cpu_count() or 1
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for index, result in enumerate(_mapped(pool, work, samples, ahead=AHEAD * workers)):
            if isinstance(result, str):
                readable[index] = False
                unreadable.append(result)
            else:
                image, mask = result
                images[index] = image
                if masks is not None and mask is not None:
                    masks[index] = mask
                    if not mask.any():
                        empty.append(samples[index].name)
            if progress is not None:
                progress("decoding images", index + 1, len(samples))
    images.flush()
    if masks is not None:
        masks.flush()
    np.save(folder / "readable.npy", readable)
    (folder / "report.json").write_text(json.dumps({"unreadable": unreadable, "empty_masks": empty}))


def _mapped(
    pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: Sequence[Item], *, ahead: int
) -> Iterator[Result]:
    """``map(function, items)`` in the pool, with at most `ahead` calls begun or done and not taken yet."""
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
            waiting.append(pool.submit(function, item))
        while waiting:
            yield waiting.popleft().result()
    finally:
        for call in waiting:
            call.cancel()


def _open(folder: Path) -> Decoded:
    masks = folder / "masks.npy"
    report = json.loads((folder / "report.json").read_text())
    return Decoded(
        images=np.load(folder / "images.npy", mmap_mode="r"),
        masks=np.load(masks, mmap_mode="r") if masks.exists() else None,
        readable=np.load(folder / "readable.npy"),
        unreadable=tuple(report["unreadable"]),
        empty_masks=tuple(report["empty_masks"]),
    )


def _decode_sample(
    sample: Sample, preprocessing: Preprocessing
) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None] | str:
    """Image uint8 [H, W, 3] and mask bool [H, W] (or None) at network size, or ``file: reason`` if one is damaged."""
    path = sample.path
    try:
        with Image.open(path) as file:
            image = to_rgb(ImageOps.exif_transpose(file))
        mask = None
        if sample.mask is not None:
            path = sample.mask.path
            mask = Image.fromarray(sample.mask.read())
            if mask.size != image.size:
                return f"{path}: is {mask.size} but its image {image.size}"
        elif sample.boxes:
            mask = box_mask(sample.boxes, image.size)
    except UNREADABLE_ERRORS as error:
        raise_if_passing(error)
        return f"{path}: {reason(error)}"
    pixels = np.asarray(fit_image(image, preprocessing))
    return pixels, None if mask is None else np.asarray(fit_image(mask, preprocessing, nearest=True))


def to_rgb(image: Image.Image) -> Image.Image:
    """Any image Pillow can read as 8-bit RGB. Raises ValueError for pixels of unknown range (32-bit, float)."""
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise ValueError("32-bit pixels: save the image with 8 or 16 bits per channel")
        return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ValueError("floating point pixels: save the image with 8 or 16 bits per channel")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def box_mask(boxes: Sequence[Box], size: tuple[int, int]) -> Image.Image:
    """A 1-bit image of the given (width, height) that is set inside any of the boxes, edges included."""
    mask = Image.new("1", size)
    for x0, y0, x1, y1 in boxes:
        mask.paste(1, (x0, y0, x1 + 1, y1 + 1))
    return mask
