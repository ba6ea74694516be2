"""The data set that a config names, by its layout."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from attribution.config import DatasetConfig
from attribution.errors import InputError
from attribution.images import Dataset, list_coco, list_csv, list_folder, list_imagenet_s, list_oxford_pets, list_voc
from attribution.registries import lookup


def list_dataset(config: DatasetConfig, where: str) -> Dataset:
    """The samples of the data set; InputError with file, key and remedy."""
    layout = lookup(LAYOUTS, config.layout, f"{where}: dataset.layout", "layout")
    at = f"{where}: dataset"
    _check_keys(config, at)
    return layout(config, at)


def _csv(config: DatasetConfig, at: str) -> Dataset:
    return list_csv(
        _given(config.table, "table", "the CSV file that lists the images", config, at),
        config.images,
        name=config.name,
        masks=config.masks,
        columns=config.columns,
        classes=config.classes,
        class_indices=config.class_indices or None,
        where=at,
    )


def _folder(config: DatasetConfig, at: str) -> Dataset:
    return list_folder(
        config.images,
        name=config.name,
        masks=config.masks,
        boxes=config.boxes,
        classes=config.classes,
        class_indices=config.class_indices or None,
        where=at,
    )


def _imagenet_s(config: DatasetConfig, at: str) -> Dataset:
    return list_imagenet_s(
        config.images,
        _given(config.masks, "masks", "the folder of ImageNet-S masks, such as validation-segmentation", config, at),
        name=config.name,
        synsets=config.synsets,
        categories=config.categories,
        ignored_is_object=config.undecided == "object",
        classes=config.classes,
        class_indices=config.class_indices or None,
        where=at,
    )


def _voc(config: DatasetConfig, at: str) -> Dataset:
    return list_voc(
        config.images,
        name=config.name,
        subset=config.subset or "trainval",
        several_classes=config.several_classes,
        minimum_area=config.minimum_area,
        void_is_object=config.undecided == "object",
        classes=config.classes,
        class_indices=config.class_indices or None,
        where=at,
    )


def _coco(config: DatasetConfig, at: str) -> Dataset:
    return list_coco(
        _given(config.annotations, "annotations", "the JSON of instances", config, at),
        config.images,
        name=config.name,
        several_classes=config.several_classes,
        minimum_area=config.minimum_area,
        classes=config.classes,
        class_indices=config.class_indices or None,
        where=at,
    )


def _oxford_pets(config: DatasetConfig, at: str) -> Dataset:
    return list_oxford_pets(
        config.images,
        name=config.name,
        subset=config.subset or "list",
        border_is_object=config.undecided == "object",
        classes=config.classes,
        class_indices=config.class_indices or None,
        where=at,
    )


LAYOUTS: dict[str, Callable[[DatasetConfig, str], Dataset]] = {
    "folder": _folder,
    "csv": _csv,
    "imagenet_s": _imagenet_s,
    "voc": _voc,
    "coco": _coco,
    "oxford_pets": _oxford_pets,
}

# The keys that not every layout has -> the layouts that have them.
_LAYOUTS_OF_KEY: dict[str, tuple[str, ...]] = {
    "masks": ("folder", "csv", "imagenet_s"),
    "boxes": ("folder",),
    "table": ("csv",),
    "columns": ("csv",),
    "annotations": ("coco",),
    "synsets": ("imagenet_s",),
    "categories": ("imagenet_s",),
    "subset": ("voc", "oxford_pets"),
    "several_classes": ("voc", "coco"),
    "minimum_area": ("voc", "coco"),
    "undecided": ("imagenet_s", "voc", "oxford_pets"),
}


def _check_keys(config: DatasetConfig, at: str) -> None:
    """A key that the layout does not read would look as if it did something."""
    bare = DatasetConfig(name=config.name, layout=config.layout, images=config.images)
    for key, layouts in _LAYOUTS_OF_KEY.items():
        if config.layout not in layouts and getattr(config, key) != getattr(bare, key):
            raise InputError(f"{at}.{key}: goes with layout = {' or '.join(layouts)}, not {config.layout}: drop it")


def _given(path: Path | None, key: str, what: str, config: DatasetConfig, at: str) -> Path:
    if path is None:
        raise InputError(f'{at}.{key}: missing: layout = "{config.layout}" needs {what}')
    return path


def only_classes(dataset: Dataset, config: DatasetConfig, seed: int, at: str) -> Dataset:
    """The data set with the config's `classes` alone (all if none is named), or `number_of_classes` drawn among those.

    InputError for a class that it does not have.
    """
    known = sorted({sample.label for sample in dataset.samples})
    for label in config.classes:
        lookup(dict.fromkeys(known, label), label, f"{at}.classes", "class")
    wanted = set(config.classes or known)
    if config.number_of_classes is not None:
        if config.number_of_classes > len(wanted):
            raise InputError(
                f"{at}.number_of_classes: {config.number_of_classes} wanted, there are {len(wanted)}: ask for fewer"
            )
        drawn = np.random.default_rng(seed).choice(sorted(wanted), size=config.number_of_classes, replace=False)
        wanted = {str(label) for label in drawn}
    return replace(dataset, samples=tuple(sample for sample in dataset.samples if sample.label in wanted))
