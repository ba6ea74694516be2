"""What of a run can be told from its data alone: whether classes, masks and numbers suffice, and how it is split."""

import logging
import os
from pathlib import Path

import numpy as np
import torch

from attribution.conditions import Condition
from attribution.config import RunConfig
from attribution.errors import InputError
from attribution.images import Dataset, Decoded, split
from attribution.networks import Network
from attribution.split_view import SplitView

logger = logging.getLogger(__name__)


def check_indices(config: RunConfig, dataset: Dataset, network: Network, where: str) -> None:
    """The data set's class indices are the network's."""
    indices = sorted(dataset.classes)
    if indices[-1] >= network.classes:
        raise InputError(
            f"{where}: dataset: class {dataset.classes[indices[-1]]!r} has index {indices[-1]}, but network "
            f"{network.name} has {network.classes} classes: give the network's own class indices"
        )
    named = config.dataset.class_indices or "class_index" in config.dataset.columns
    counted = dataset.counted or len(indices)
    if not named and counted != network.classes:
        remedy = "dataset.columns.class_index" if config.dataset.layout == "csv" else "dataset.class_indices"
        raise InputError(
            f"{where}: dataset: {counted} classes in sorted order cannot stand for the {network.classes} of "
            f"network {network.name}: say which is which in {remedy}"
        )


def check_within(dataset: Dataset, folder: Path, where: str) -> None:
    """InputError where a table or an annotation names an image or a mask outside of `folder`.

    Links inside of it count as what they are called: whoever keeps the data has made them.
    """
    for sample in dataset.samples:
        for path in (sample.path, *([sample.mask.path] if sample.mask is not None else [])):
            if not Path(os.path.normpath(path)).is_relative_to(folder):
                raise InputError(
                    f"{where}: dataset: the data set names a file for {sample.name} that lies outside of the workers' "
                    "folder of data sets: copy it there, and name it relative to the data set"
                )


def check_needs(dataset: Dataset, cells: tuple[Condition, ...], where: str) -> None:
    bare = [sample.path.name for sample in dataset.samples if sample.mask is None and not sample.boxes]
    for condition in cells:
        metric = condition.metric
        if metric.needs_masks and bare:
            raise InputError(
                f"{where}: metrics: {metric.name} needs masks or boxes, and {len(bare)} images have none "
                f"({', '.join(bare[:3])}): set dataset.masks, dataset.boxes or the columns that hold them"
            )
        if len(dataset.classes) < metric.least_classes:
            raise InputError(
                f"{where}: dataset: {metric.name} needs at least {metric.least_classes} classes, "
                f"there are {len(dataset.classes)}: add classes or drop the metric"
            )


def split_views(
    config: RunConfig,
    dataset: Dataset,
    decoded: Decoded,
    network: Network,
    cells: tuple[Condition, ...],
    device: torch.device,
    where: str,
) -> dict[str, SplitView]:
    for problem in (*dataset.unreadable, *decoded.unreadable):
        logger.warning("left out: %s", problem)
    for name in decoded.empty_masks:
        logger.warning("empty mask after preprocessing, so RMA is undefined there: %s", name)
    readable = [int(index) for index in np.flatnonzero(decoded.readable)]
    lost = sorted(set(dataset.classes) - {dataset.samples[index].class_index for index in readable})
    if lost:
        labels = ", ".join(dataset.classes[index] for index in lost)
        raise InputError(f"{where}: dataset: no image of {labels} can be decoded: replace the files or drop the class")
    if dataset.unreadable or decoded.unreadable:
        logger.warning("%d images are left", len(readable))
    least = max(condition.metric.least_per_class for condition in cells)
    shares = config.dataset.splits
    parts = split(
        [dataset.samples[index] for index in readable],
        seed=config.seed,
        train=shares.train,
        validation=shares.validation,
        export=shares.export,
        min_per_class={"train": least, "validation": least, "export": least},
        where=f"{where}: dataset.splits",
    )
    if len(parts.export) < config.pairs:
        raise InputError(
            f"{where}: pairs: {config.pairs} wanted, but the export split has {len(parts.export)} images: "
            "lower pairs, raise dataset.splits.export or add images"
        )
    targets = np.array([sample.class_index for sample in dataset.samples], dtype=np.int64)
    names = tuple(sample.name for sample in dataset.samples)
    return {
        name: SplitView(
            name, tuple(readable[place] for place in places), decoded, targets, names, network.preprocessing, device
        )
        for name, places in (("train", parts.train), ("validation", parts.validation), ("export", parts.export))
    }
