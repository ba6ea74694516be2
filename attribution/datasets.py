"""The data set that a config names, by its layout."""

from collections.abc import Callable

from attribution.config import DatasetConfig
from attribution.errors import InputError
from attribution.images import Dataset, list_csv, list_folder
from attribution.registries import lookup


def list_dataset(config: DatasetConfig, where: str) -> Dataset:
    """The samples of the data set; InputError with file, key and remedy."""
    layout = lookup(LAYOUTS, config.layout, f"{where}: dataset.layout", "layout")
    return layout(config, f"{where}: dataset")


def _csv(config: DatasetConfig, at: str) -> Dataset:
    if config.table is None:
        raise InputError(f'{at}.table: missing: layout = "csv" needs the CSV file that lists the images')
    if config.boxes is not None or config.class_indices:
        raise InputError(f"{at}: boxes and class_indices go with layout = folder: name the columns in `columns`")
    return list_csv(config.table, config.images, name=config.name, masks=config.masks, columns=config.columns, where=at)


def _folder(config: DatasetConfig, at: str) -> Dataset:
    if config.table is not None or config.columns:
        raise InputError(f"{at}: table and columns go with layout = csv: drop them")
    return list_folder(
        config.images,
        name=config.name,
        masks=config.masks,
        boxes=config.boxes,
        class_indices=config.class_indices or None,
        where=at,
    )


LAYOUTS: dict[str, Callable[[DatasetConfig, str], Dataset]] = {
    "folder": _folder,
    "csv": _csv,
}


def only_classes(dataset: Dataset, classes: tuple[str, ...], at: str) -> Dataset:
    """The data set with these labels alone; all if none is named. InputError for a label that it does not have."""
    if not classes:
        return dataset
    known = {sample.label for sample in dataset.samples}
    for label in classes:
        lookup(dict.fromkeys(sorted(known), label), label, f"{at}.classes", "class")
    kept = tuple(sample for sample in dataset.samples if sample.label in classes)
    return Dataset(dataset.name, kept, dataset.unreadable, dataset.digest)
