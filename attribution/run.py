"""A run made ready: everything that can be wrong with a config is found here, before any training."""

import json
import logging
import os
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attribution.attributors import ATTRIBUTORS, Attributor
from attribution.config import MetricConfig, RunConfig, TrainingConfig, read_config, training_for
from attribution.errors import InputError
from attribution.evaluation import Answers, answers, metric_scores
from attribution.images import Dataset, Decoded, decode, list_csv, list_folder, split
from attribution.metrics import METRICS, LearnableMetric
from attribution.networks import Network, load_network
from attribution.progress import Progress
from attribution.registries import lookup
from attribution.split_view import SplitView
from attribution.trainers import TRAINERS

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

    @property
    def logits(self) -> Tensor:
        return self.original.logits

    def label(self, target: int) -> str:
        """Class name of a target or prediction; a class that the data set does not name is shown by its number."""
        index = self.network.columns[target] if self.network.columns is not None else target
        return self.dataset.classes.get(index, f"class {index}")

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
    dataset = _list_dataset(config, where)
    network = _network_for(config, dataset, where)
    _check_needs(config, dataset, conditions, where)
    key = _claim(config, out, dataset, network, resume)
    decoded = decode(dataset, network.preprocessing, out / "cache", progress=progress)
    splits = _split(config, dataset, decoded, network, conditions, chosen, where)
    network.to(chosen)
    for condition in conditions:
        _try_once(condition, network, splits["train"], config)
    original = _original_answers(network, splits["train"], len(dataset.samples), config.batch, progress)
    _check_pairs(config, original, splits["export"], where)
    return Run(config, where, out, chosen, dataset, decoded, network, splits, original, conditions, key)


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
    return _only_classes(dataset, chosen.classes, at) if chosen.classes else dataset


def _only_classes(dataset: Dataset, classes: tuple[str, ...], at: str) -> Dataset:
    known = {sample.label for sample in dataset.samples}
    for label in classes:
        lookup(dict.fromkeys(sorted(known), label), label, f"{at}.classes", "class")
    kept = tuple(sample for sample in dataset.samples if sample.label in classes)
    return Dataset(dataset.name, kept, dataset.unreadable, dataset.digest)


def _network_for(config: RunConfig, dataset: Dataset, where: str) -> Network:
    network = load_network(config.network, where)
    indices = sorted(dataset.classes)
    if indices[-1] >= network.classes:
        raise InputError(
            f"{where}: dataset: class {dataset.classes[indices[-1]]!r} has index {indices[-1]}, but network "
            f"{network.name} has {network.classes} classes: give the network's own class indices"
        )
    return network.restricted(indices) if config.dataset.only_listed_classes else network


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


def _claim(config: RunConfig, out: Path, dataset: Dataset, network: Network, resume: bool) -> str:
    """Make the run's folder its own; a folder of another run, or of this one without --resume, is refused."""
    state: dict[str, Any] = {
        "config": config.basis_digest(),
        "dataset": dataset.digest,
        "classes": sorted(dataset.classes.values()),
        "network": network.weights_digest(),
    }
    file = out / "run.json"
    if file.is_file():
        if json.loads(file.read_text()) != state:
            raise InputError(f"{out}: holds another run (data, network, seed or batch differ): use another --out")
        if not resume:
            raise InputError(f"{out}: holds this run already: add --resume to go on, or use another --out")
    elif out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: is not empty and holds no run: use another --out")
    out.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".json.tmp")
    beside.write_text(json.dumps(state, indent=1))
    beside.replace(file)
    return json.dumps(state, sort_keys=True)


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
    columns = network.columns if network.columns is not None else range(network.classes)
    position = {index: place for place, index in enumerate(columns)}
    targets = np.array([position[sample.class_index] for sample in dataset.samples], dtype=np.int64)
    names = tuple(sample.name for sample in dataset.samples)
    return {
        name: SplitView(
            name, tuple(readable[place] for place in places), decoded, targets, names, network.preprocessing, device
        )
        for name, places in (("train", parts.train), ("validation", parts.validation), ("export", parts.export))
    }


def _try_once(condition: Condition, network: Network, train: SplitView, config: RunConfig) -> None:
    """One image through the whole condition: what cannot work fails now, with its reason."""
    metric_scores(
        network,
        network,
        condition.attributor,
        condition.metric,
        train,
        train.members[:1],
        seed=config.seed,
        batch=1,
    )


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
