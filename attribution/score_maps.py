"""Scores of maps from any framework: arrays in files and metrics in, scores per image and their means out."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attribution.errors import InputError
from attribution.map_files import StoredArray, stored_arrays
from attribution.metrics import METRICS
from attribution.metrics.maps_alone import MapsAlone
from attribution.metrics.topk import TopK
from attribution.metrics.undefined import undefined_reasons
from attribution.printable import printable
from attribution.progress import Progress, silent
from attribution.registries import lookup

NAMES = "names"
CHUNK = 32  # images at a time, or fewer large ones: more are no faster, and take more memory
LONGEST_NAME = 1000
MAP_METRICS = {name: kind for name, kind in METRICS.items() if issubclass(kind, MapsAlone)}


@dataclass(frozen=True)
class MapFiles:
    """Maps by the names of their arrays, the masks, and the names of images, checked to belong together.

    Each array of maps is [N, H, W], or [N, C, H, W], which is summed over C; masks are [N, H, W].
    """

    maps: dict[str, StoredArray]
    masks: StoredArray | None
    names: tuple[str, ...] | None

    @property
    def images(self) -> int:
        return next(iter(self.maps.values())).shape[0]

    def label(self, image: int) -> str:
        return f"image {image}" if self.names is None else f"image {image} ({printable(self.names[image])})"


@dataclass(frozen=True)
class MapScores:
    """Scores [N] by array and metric, NaN where undefined; `reasons` says why, by array, metric and image.

    `full_masks` counts masks that cover the whole image, `summed` names arrays that were summed over channels.
    """

    metrics: Mapping[str, MapsAlone]
    names: tuple[str, ...] | None
    scores: dict[str, dict[str, NDArray[np.float64]]]
    reasons: dict[str, dict[str, dict[int, str]]]
    full_masks: int
    summed: tuple[str, ...]

    def reason_counts(self, array: str, metric: str) -> Counter[str]:
        return Counter(self.reasons[array][metric].values())


def chosen_metrics(
    names: Sequence[str] | None, options: Sequence[str] = (), *, with_masks: bool
) -> dict[str, MapsAlone]:
    """Metrics by name with their options (``TopK.k=50``); without names all that can be computed.

    InputError for a metric that is unknown, needs more than maps, or needs masks that are not there, and for options
    that it does not take.
    """
    if names is None:
        names = [name for name, kind in MAP_METRICS.items() if with_masks or not kind.needs_masks]
    kinds = {}
    for name in names:
        kind = lookup(METRICS, name, "--metrics", "metric")
        if not issubclass(kind, MapsAlone):
            raise InputError(
                f"--metrics: {name} asks the network again and cannot be computed from maps: use `score CONFIG`, or "
                f"take some of {', '.join(MAP_METRICS)}"
            )
        if kind.needs_masks and not with_masks:
            raise InputError(f"--masks: {name} needs masks: give a file with them, or leave {name} out of --metrics")
        kinds[name] = kind
    settings = _settings(options, list(kinds))
    made: dict[str, MapsAlone] = {}
    for name, kind in kinds.items():
        try:
            made[name] = kind(**settings[name])
        except (TypeError, ValueError) as error:
            raise InputError(f"--option: {name} does not take {settings[name]}: {error}") from error
    return made


def _settings(options: Sequence[str], known: Sequence[str]) -> dict[str, dict[str, int | float | str]]:
    settings: dict[str, dict[str, int | float | str]] = {name: {} for name in known}
    for option in options:
        target, equals, text = option.partition("=")
        name, dot, key = target.partition(".")
        if not (equals and dot and key):
            raise InputError(f"--option: {option!r}: write METRIC.OPTION=VALUE, as in TopK.k=50")
        if name not in settings:
            raise InputError(f"--option: {option!r}: {name!r} is not among the metrics ({', '.join(known)})")
        settings[name][key] = _value(text)
    return settings


def _value(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def open_maps(maps: Sequence[Path], masks: Path | None) -> MapFiles:
    """The arrays of the files, checked for shape and type by their headers. InputError names file, array and remedy."""
    arrays: dict[str, StoredArray] = {}
    names: list[StoredArray] = []
    for path in maps:
        found = stored_arrays(path)
        if NAMES in found:
            names.append(found.pop(NAMES))
        for name, array in found.items():
            if name in arrays:
                raise InputError(f"{array}: {arrays[name].path} has an array of this name too: rename one")
            arrays[name] = _checked_maps(array)
    if not arrays:
        raise InputError(f"{maps[0]}: holds no maps: add an array [N, H, W]")
    mask = None
    if masks is not None:
        found = stored_arrays(masks)
        if NAMES in found:
            names.append(found.pop(NAMES))
        if len(found) != 1:
            held = printable(", ".join(found)) or "(none)"
            raise InputError(f"{masks}: holds the arrays {held}: leave one, with the masks")
        mask = _checked_masks(next(iter(found.values())))
    first = next(iter(arrays.values()))
    for array in [*arrays.values(), *names, *([mask] if mask else [])]:
        if array.shape[0] != first.shape[0]:
            raise InputError(
                f"{array}: counts {array.shape[0]} images and {first} {first.shape[0]}: they must be of the same images"
            )
        if mask is not None and array not in names and array.shape[-2:] != mask.shape[-2:]:
            raise InputError(f"{array}: is {_size(array)} and {mask} is {_size(mask)}: resize one of them")
    return MapFiles(arrays, mask, _image_names(names))


def _checked_maps(array: StoredArray) -> StoredArray:
    if array.dtype.kind == "b":
        raise InputError(f"{array}: is bool: give maps as numbers (are --maps and --masks swapped?)")
    if array.dtype.kind not in "fiu":
        raise InputError(f"{array}: is of type {array.dtype}: give real numbers")
    if len(array.shape) not in (3, 4):
        raise InputError(f"{array}: has shape {array.shape}: maps are [N, H, W] or [N, C, H, W]")
    if 0 in array.shape:
        raise InputError(f"{array}: has shape {array.shape}, which is empty: give at least one map")
    return array


def _checked_masks(array: StoredArray) -> StoredArray:
    if array.dtype.kind not in "bfiu":
        raise InputError(f"{array}: is of type {array.dtype}: give masks as bool, 0 and 1, or 0 and 255")
    if len(array.shape) != 3:
        raise InputError(f"{array}: has shape {array.shape}: masks are [N, H, W]")
    return array


def _size(array: StoredArray) -> str:
    return f"{array.shape[-2]} x {array.shape[-1]}"


def _image_names(stored: Sequence[StoredArray]) -> tuple[str, ...] | None:
    known: list[tuple[str, ...]] = []
    for array in stored:
        if array.dtype.kind != "U" or len(array.shape) != 1:
            raise InputError(f"{array}: is the array of the images' names: give texts [N], or rename it")
        if (longest := array.dtype.itemsize // np.dtype("U1").itemsize) > LONGEST_NAME:
            raise InputError(f"{array}: has names of {longest:,} letters: shorten them to at most {LONGEST_NAME:,}")
        texts = array.whole()
        # NumPy makes no check of its own, and a letter beyond Unicode breaks Python's texts.
        if (texts.view(np.dtype(np.uint32).newbyteorder(texts.dtype.byteorder)) > sys.maxunicode).any():
            raise InputError(f"{array}: holds letters that Unicode does not have: save the names again")
        known.append(tuple(str(name) for name in texts))
    for array, names in zip(stored[1:], known[1:], strict=True):
        for place, (one, other) in enumerate(zip(known[0], names, strict=True)):
            if one != other:
                raise InputError(f"{array}: image {place} is {other!r} and {one!r} in {stored[0].path}: align them")
    return known[0] if known else None


def check_values(files: MapFiles, progress: Progress = silent) -> None:
    """Reads everything once. InputError for maps with NaN or infinite values, and for masks of more than two values."""
    total = files.images * (len(files.maps) + (files.masks is not None))
    done = 0
    for array in files.maps.values():
        bad: list[int] = []
        for start, chunk in _numbered(array):
            bad += (start + np.flatnonzero(~np.isfinite(chunk.reshape(len(chunk), -1)).all(axis=1))).tolist()
            progress("checking maps", done := done + len(chunk), total)
        if bad:
            more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
            raise InputError(
                f"{array}: {files.label(bad[0])}{more}: NaN or infinite values: leave these images out or mend them"
            )
    if files.masks is not None:
        _check_mask_values(files.masks)
        progress("checking maps", total, total)


def _check_mask_values(masks: StoredArray) -> None:
    high = None
    for start, chunk in _numbered(masks) if masks.dtype.kind != "b" else ():
        inside = chunk[chunk != 0]
        if high is None and inside.size:
            high = inside[0]
        odd = inside[(inside != high) | ((inside != 1) & (inside != 255))]
        if odd.size:
            raise InputError(
                f"{masks}: images {start} to {start + len(chunk) - 1}: the value {odd[0]}: masks hold 0 and 1, "
                "or 0 and 255: save `mask > threshold`"
            )


def fitting(
    files: MapFiles, metrics: Mapping[str, MapsAlone], *, chosen: bool
) -> tuple[dict[str, MapsAlone], tuple[str, ...]]:
    """The metrics that can take maps of this size, and a line for each that is left out.

    InputError instead of leaving one out if the user has `chosen` the metrics.
    """
    kept, lines = dict(metrics), []
    for name, metric in metrics.items():
        for array in files.maps.values():
            height, width = array.shape[-2:]
            if isinstance(metric, TopK) and metric.k > height * width:
                why = (
                    f"{array}: {name} looks at k = {metric.k} pixels, and a map of {_size(array)} has {height * width}"
                )
                remedy = f"--option {name}.k=NUMBER takes fewer"
                if chosen:
                    raise InputError(f"{why}: {remedy}, or leave {name} out of --metrics")
                lines.append(f"{name} is left out. {why}: {remedy}.")
                del kept[name]
                break
    return kept, tuple(lines)


def score_maps(files: MapFiles, metrics: Mapping[str, MapsAlone], progress: Progress = silent) -> MapScores:
    """Scores every array under every metric, a few images at a time."""
    scores: dict[str, dict[str, NDArray[np.float64]]] = {}
    reasons: dict[str, dict[str, dict[int, str]]] = {}
    full = 0
    total = files.images * len(files.maps)
    for place, (array_name, array) in enumerate(files.maps.items()):
        scores[array_name] = {name: np.full(files.images, np.nan) for name in metrics}
        reasons[array_name] = {name: {} for name in metrics}
        count = array.images_at_once(CHUNK)
        parts = files.masks.chunks(count) if files.masks is not None else None
        for start, chunk in _numbered(array):
            maps = _as_maps(chunk)
            masks = next(parts) != 0 if parts is not None else None
            if place == 0 and masks is not None:
                full += int(masks.all(axis=(1, 2)).sum())
            for name, metric in metrics.items():
                given = masks if metric.needs_masks else None
                found = metric.of_maps(maps, given)
                scores[array_name][name][start : start + len(maps)] = found
                missing = np.flatnonzero(np.isnan(found))
                if missing.size:
                    why = undefined_reasons(metric.undefined, maps[missing], None if given is None else given[missing])
                    reasons[array_name][name] |= dict(zip((start + missing).tolist(), why, strict=True))
            progress("scoring maps", place * files.images + start + len(maps), total)
    summed = tuple(name for name, array in files.maps.items() if len(array.shape) == 4)
    return MapScores(metrics, files.names, scores, reasons, full, summed)


def _numbered(array: StoredArray) -> Iterator[tuple[int, np.ndarray]]:
    start = 0
    for chunk in array.chunks(array.images_at_once(CHUNK)):
        yield start, chunk
        start += len(chunk)


def _as_maps(chunk: np.ndarray) -> np.ndarray:
    """Maps [N, H, W] as float32 or float64, whichever holds what is stored."""
    kind = np.float32 if chunk.dtype.kind == "f" and chunk.dtype.itemsize <= 4 else np.float64
    maps = chunk.astype(kind, copy=False)
    return maps.sum(axis=1) if maps.ndim == 4 else maps
