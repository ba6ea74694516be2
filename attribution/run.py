"""A run made ready: everything that can be wrong with a config is found here, before any training."""

import json
import logging
import os
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch

from attribution.attributors import ATTRIBUTORS, Attributor
from attribution.config import MetricConfig, RunConfig, TrainingConfig, read_config, training_for
from attribution.errors import InputError
from attribution.evaluation import Answers, answers
from attribution.images import Dataset, Decoded, decode, list_csv, list_folder, split
from attribution.metrics import METRICS, LearnableMetric
from attribution.networks import Network, load_network
from attribution.progress import Progress
from attribution.registries import lookup
from attribution.split_view import SplitView
from attribution.trainers import TRAINERS, Task
from attribution.workspace import CACHE, check_owner, claim

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Condition:
    """One cell of the study: a metric, its training settings, and an attributor."""

    metric_config: MetricConfig
    metric: LearnableMetric
    attributor_name: str
    attributor: Attributor
    training: TrainingConfig

    @property
    def name(self) -> str:
        return f"{self.metric_config.display} x {self.attributor_name}"

    @property
    def slug(self) -> str:
        return "".join(letter if letter.isalnum() else "-" for letter in self.name.lower().replace(" x ", "-"))


@dataclass(frozen=True)
class Run:
    """A checked config with everything loaded. `original` are the original network's answers to every image."""

    config: RunConfig
    where: str
    out: Path
    device: torch.device
    dataset: Dataset
    decoded: Decoded
    network: Network
    splits: dict[str, SplitView]
    original: Answers
    conditions: tuple[Condition, ...]
    key: str

    def label(self, index: int) -> str:
        """Name of a class; one that the data set does not name is shown by its number."""
        return self.dataset.classes.get(index, f"class {index}")

    def task(self, condition: Condition) -> Task:
        """The condition's fine-tuning."""
        return Task(
            original=self.network,
            attributor=condition.attributor,
            metric=condition.metric,
            train=self.splits["train"],
            validation=self.splits["validation"],
            logits=self.original.logits,
            predictions=self.original.predictions,
            config=condition.training,
            seed=self.config.seed,
            batch=self.config.batch,
        )

    def condition_key(self, condition: Condition) -> str:
        """SHA-256 over everything that the condition's weights follow from."""
        settings = {
            "metric": condition.metric.name,
            "options": condition.metric_config.options,
            "training": asdict(condition.training),
            "attributor": condition.attributor_name,
        }
        return sha256(f"{self.key}{json.dumps(settings, sort_keys=True)}".encode()).hexdigest()

    def checkpoint(self, condition: Condition) -> Path:
        """Where the condition's fine-tuning is kept; other settings have another place, so none are lost."""
        return self.out / "conditions" / f"{condition.slug}-{self.condition_key(condition)[:10]}.pt"


def prepare(config_path: Path, out: Path, *, resume: bool, device: str, progress: Progress) -> Run:
    """Read, check and load all that a run needs. Raises InputError with file, key and remedy."""
    config = read_config(config_path)
    where = str(config_path)
    conditions = tuple(_conditions(config, where))
    chosen = choose_device(device)
    _be_deterministic(config.seed)
    listed = _list_dataset(config, where)
    dataset = _only_classes(listed, config.dataset.classes, f"{where}: dataset")
    network = load_network(config.network, where)
    _check_indices(config, listed, network, where)
    if config.dataset.only_listed_classes:
        network = network.restricted(sorted(dataset.classes))
    _check_needs(config, dataset, conditions, where)
    state = _state(config, dataset, network, chosen)
    check_owner(out, state, resume=resume)
    decoded = decode(dataset, network.preprocessing, out / CACHE, progress=progress)
    splits = _split(config, dataset, decoded, network, conditions, chosen, where)
    network.to(chosen)
    original = _original_answers(network, splits["train"], len(dataset.samples), config.batch, progress)
    _check_pairs(config, original, splits["export"], where)
    key = json.dumps(state, sort_keys=True)
    run = Run(config, where, out, chosen, dataset, decoded, network, splits, original, conditions, key)
    _rehearse(run, progress)
    claim(out, state)
    return run


def _rehearse(run: Run, progress: Progress) -> None:
    """One batch through each condition's training that is still to come: what cannot work fails now."""
    for number, condition in enumerate(run.conditions, start=1):
        if not run.checkpoint(condition).is_file():
            TRAINERS[condition.training.trainer].rehearse(run.task(condition))
        progress("trying every condition", number, len(run.conditions))


def choose_device(name: str) -> torch.device:
    """``auto`` is the first CUDA device if there is one. InputError for ``cuda`` where there is none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: torch sees no CUDA device here: use --device cpu or auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _be_deterministic(seed: int) -> None:
    random.seed(seed)
    torch.manual_seed(seed)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)


def _conditions(config: RunConfig, where: str) -> Iterator[Condition]:
    for index, chosen in enumerate(config.metrics):
        at = f"{where}: metrics[{index}]"
        kind = lookup(METRICS, chosen.name, f"{at}.name", "learnable metric")
        try:
            metric = kind(**chosen.options)
        except (TypeError, ValueError) as error:
            raise InputError(f"{at}.options: {chosen.name} does not take them: {error}") from error
        for name in config.attributors:
            attributor = lookup(ATTRIBUTORS, name, f"{where}: attributors", "attributor")
            if not attributor.differentiable:
                raise InputError(f"{where}: attributors: {name} is not differentiable: nothing can be fine-tuned on it")
            training = training_for(chosen, name, where)
            lookup(TRAINERS, training.trainer, f"{at}.training.trainer", "trainer")
            yield Condition(chosen, metric, name, attributor, training)


def _list_dataset(config: RunConfig, where: str) -> Dataset:
    chosen = config.dataset
    at = f"{where}: dataset"
    if chosen.layout == "csv":
        if chosen.table is None:
            raise InputError(f'{at}.table: missing: layout = "csv" needs the CSV file that lists the images')
        if chosen.boxes is not None or chosen.class_indices:
            raise InputError(f"{at}: boxes and class_indices go with layout = folder: name the columns in `columns`")
        dataset = list_csv(
            chosen.table, chosen.images, name=chosen.name, masks=chosen.masks, columns=chosen.columns, where=at
        )
    else:
        if chosen.table is not None or chosen.columns:
            raise InputError(f"{at}: table and columns go with layout = csv: drop them")
        dataset = list_folder(
            chosen.images,
            name=chosen.name,
            masks=chosen.masks,
            boxes=chosen.boxes,
            class_indices=chosen.class_indices or None,
            where=at,
        )
    return dataset


def _only_classes(dataset: Dataset, classes: tuple[str, ...], at: str) -> Dataset:
    if not classes:
        return dataset
    known = {sample.label for sample in dataset.samples}
    for label in classes:
        lookup(dict.fromkeys(sorted(known), label), label, f"{at}.classes", "class")
    kept = tuple(sample for sample in dataset.samples if sample.label in classes)
    return Dataset(dataset.name, kept, dataset.unreadable, dataset.digest)


def _check_indices(config: RunConfig, dataset: Dataset, network: Network, where: str) -> None:
    """The data set's class indices are the network's."""
    indices = sorted(dataset.classes)
    if indices[-1] >= network.classes:
        raise InputError(
            f"{where}: dataset: class {dataset.classes[indices[-1]]!r} has index {indices[-1]}, but network "
            f"{network.name} has {network.classes} classes: give the network's own class indices"
        )
    named = config.dataset.class_indices or "class_index" in config.dataset.columns
    if not named and len(indices) != network.classes:
        remedy = "dataset.class_indices" if config.dataset.layout == "folder" else "dataset.columns.class_index"
        raise InputError(
            f"{where}: dataset: {len(indices)} classes in sorted order cannot stand for the {network.classes} of "
            f"network {network.name}: say which is which in {remedy}"
        )


def _check_needs(config: RunConfig, dataset: Dataset, conditions: tuple[Condition, ...], where: str) -> None:
    bare = [sample.path.name for sample in dataset.samples if sample.mask is None and sample.box is None]
    for condition in conditions:
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


def _state(config: RunConfig, dataset: Dataset, network: Network, device: torch.device) -> dict[str, object]:
    """What all finished work in the run's folder follows from."""
    return {
        "basis": config.basis_digest(),
        "dataset": dataset.digest,
        "classes": sorted(dataset.classes.values()),
        "network": network.weights_digest(),
        "preprocessing": list(map(str, asdict(network.preprocessing).values())),
        "device": device.type,
    }


def _split(
    config: RunConfig,
    dataset: Dataset,
    decoded: Decoded,
    network: Network,
    conditions: tuple[Condition, ...],
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
    if unreadable := len(dataset.unreadable) + len(decoded.unreadable):
        logger.warning("%d files cannot be read; %d images are left", unreadable, len(readable))
    least = max(condition.metric.least_per_class for condition in conditions)
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


def _original_answers(network: Network, view: SplitView, images: int, batch: int, progress: Progress) -> Answers:
    done = 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        progress("answers of the original network", done, images)

    return answers(network, view, range(images), batch=batch, tick=tick)


def _check_pairs(config: RunConfig, original: Answers, export: SplitView, where: str) -> None:
    members = np.asarray(export.members)
    correct = int((original.predictions[members] == export.targets[members]).sum())
    if correct < config.pairs:
        raise InputError(
            f"{where}: pairs: {config.pairs} wanted, but the original network classifies only {correct} of the "
            f"{len(members)} export images correctly: lower pairs or raise dataset.splits.export"
        )
