"""A run made ready: everything that can be wrong with a config is found here, before any training."""

import json
import os
import random
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from attribution.attributors import Attributor
from attribution.conditions import Condition, conditions
from attribution.config import RunConfig, read_config
from attribution.datasets import list_dataset, only_classes
from attribution.errors import InputError
from attribution.evaluation import Answers, answers
from attribution.identity import MAPS_VERSION, network_identity
from attribution.images import Dataset, Decoded, decode
from attribution.last_words import trying
from attribution.map_store import MapStore
from attribution.networks import Network, load_network
from attribution.poisoned_images import BLAMED, blame
from attribution.progress import Progress
from attribution.rehearsal import rehearse
from attribution.room import Room, check_disk, check_memory, room_of, taken
from attribution.run_checks import check_indices, check_needs, check_within, split_views
from attribution.split_view import SplitView
from attribution.trainers import Task
from attribution.workspace import CACHE, check_owner, claim, keep_in_cache


def original_key(network: Network, digest: str, function: str) -> list[str]:
    """What all maps and answers of a network follow from, besides the data; the weights come first."""
    layer = [network.layer, network.layer_shape or ""]
    return [digest, function, *layer, *map(str, asdict(network.preprocessing).values())]


@dataclass(frozen=True)
class Original:
    """A network before any fine-tuning, the splits as it sees them, and its answers to every image."""

    network: Network
    splits: dict[str, SplitView]
    answers: Answers
    digest: str  # of its weights
    function: str  # digest of what it does with them

    @property
    def key(self) -> list[str]:
        """What all of its maps and answers follow from, besides the data; the weights come first."""
        return original_key(self.network, self.digest, self.function)


@dataclass(frozen=True)
class Run:
    """A checked config with everything loaded. All networks see the same images, split in the same way.

    Checkpoints are kept in `out`, decoded images and maps in `cache`.
    """

    config: RunConfig
    where: str
    out: Path
    cache: Path
    device: torch.device
    dataset: Dataset
    decoded: Decoded
    originals: dict[str, Original]
    conditions: tuple[Condition, ...]
    key: str

    @property
    def export(self) -> SplitView:
        """The export split, for what does not depend on the network: its members, targets and names."""
        return next(iter(self.originals.values())).splits["export"]

    def label(self, index: int) -> str:
        """Name of a class; one that the data set does not name is shown by its number."""
        return self.dataset.classes.get(index, f"class {index}")

    def original(self, condition: Condition) -> Original:
        """The network that the condition starts from."""
        return self.originals[condition.network_name]

    def task(self, condition: Condition) -> Task:
        """The condition's fine-tuning."""
        original = self.original(condition)
        return Task(
            original=original.network,
            attributor=condition.attributor,
            metric=condition.metric,
            train=original.splits["train"],
            validation=original.splits["validation"],
            logits=original.answers.logits,
            predictions=original.answers.predictions,
            config=condition.training,
            seed=self.config.seed,
            batch=self.config.batch,
            known=partial(self.original_maps(condition, "validation").known, condition.attributor_name),
            name=condition.name,
        )

    def original_maps(self, condition: Condition, split: str) -> MapStore:
        """The maps of the condition's original network, which all conditions of that network share."""
        original = self.original(condition)
        attributors = {each.attributor_name: each.attributor for each in self.conditions}
        return self._store(original.key, original.network, attributors, original.splits[split])

    def finetuned_maps(self, condition: Condition, network: Network, digest: str) -> MapStore:
        """The maps of the condition's finetuned network (`digest` is of its weights) on the export split."""
        original = self.original(condition)
        key = [digest, *original.key[1:]]
        attributors = {condition.attributor_name: condition.attributor}
        return self._store(key, network, attributors, original.splits["export"])

    def _store(
        self, key: list[str], network: Network, attributors: dict[str, Attributor], split: SplitView
    ) -> MapStore:
        return MapStore(self.cache, json.dumps([self.key, key]), network, attributors, split, self.config.batch)

    def condition_key(self, condition: Condition) -> str:
        """SHA-256 over everything that the condition's weights follow from."""
        settings = [MAPS_VERSION, self.key, self.original(condition).key, condition.settings]
        return sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    def tidy(self) -> None:
        """Remove the stored maps and decoded images that no condition of the config uses again.

        What stays are the images and the original networks' maps; finetuned networks' maps follow from checkpoints.
        """
        stores = (self.original_maps(each, split) for each in self.conditions for split in ("validation", "export"))
        decoded = self.decoded.images
        images = [Path(str(decoded.filename)).parent.name] if isinstance(decoded, np.memmap) else []
        keep_in_cache(self.out, [store.stem for store in stores] + images)

    def checkpoint(self, condition: Condition) -> Path:
        """Where the condition's fine-tuning is kept; other settings have another place, so none are lost."""
        return self.out / "conditions" / f"{condition.slug}-{self.condition_key(condition)[:10]}.pt"


class Recall(Protocol):
    """Where the answers of original networks are kept, by all that they follow from."""

    def find(self, key: str) -> Answers | None: ...

    def keep(self, key: str, answers: Answers) -> None: ...


def prepare(config_path: Path, out: Path, *, resume: bool, device: str, progress: Progress) -> Run:
    """Read, check, load and try out all that a run needs. Raises InputError with file, key and remedy."""
    config = read_config(config_path)

    def check(state: dict[str, object]) -> None:
        check_owner(out, state, resume=resume)

    def check_room(room: Room, _key: str) -> None:
        remedy = "free space there, use another --out"
        check_disk(out, room.alone, str(config_path), str(out), remedy, own=taken(out))

    run, state = load_run(
        config,
        str(config_path),
        config_path.parent,
        out=out,
        device=device,
        progress=progress,
        check=check,
        check_room=check_room,
    )
    rehearse(run, progress)
    claim(out, state)
    return run


def look_at(config_path: Path, out: Path, *, device: str, progress: Progress) -> Run:
    """A run that is read, checked and loaded, but leaves nothing in `out` except decoded images."""
    config = read_config(config_path)

    def check(state: dict[str, object]) -> None:
        check_owner(out, state, resume=True)

    return load_run(
        config, str(config_path), config_path.parent, out=out, device=device, progress=progress, check=check
    )[0]


def load_run(
    config: RunConfig,
    where: str,
    folder: Path,
    *,
    out: Path,
    device: str,
    progress: Progress,
    cache: Path | None = None,
    check: Callable[[dict[str, object]], None] | None = None,
    check_room: Callable[[Room, str], None] | None = None,
    recall: Recall | None = None,
    within: Path | None = None,
) -> tuple[Run, dict[str, object]]:
    """The run, and what all of its finished work follows from. Raises InputError with `where`, key and remedy.

    Methods of the run's own are found in `folder`; images and masks may only lie `within` another, if one is given.
    Before anything is decoded `check` is given what the run follows from, and `check_room` what it takes of disks and
    the run's key; with the latter it is also refused where the memory does not suffice.
    """
    cache = out / CACHE if cache is None else cache
    with trying("loading the methods of the config"):
        cells = tuple(conditions(config, where, folder))
    chosen = choose_device(device)
    _be_deterministic(config.seed, chosen)
    with trying("reading the list of the data set"):
        listed = list_dataset(config.dataset, where)
    if within is not None:
        check_within(listed, within, where)
    dataset = only_classes(listed, config.dataset, config.seed, f"{where}: dataset")
    networks = _load_networks(config, dataset, listed, where)
    _compile_deterministically()
    check_needs(dataset, cells, where)
    state = _state(config, dataset, chosen)
    if check is not None:
        check(state)
    key = json.dumps(state, sort_keys=True)
    if check_room is not None:
        check_room(room_of(config, dataset, networks, cells), key)
        with trying("a pass through the networks without values, to tell what memory they take"):
            check_memory(networks, cells, len(dataset.samples), chosen, where)
    decoded = decode(dataset, networks[0].preprocessing, cache, progress=progress)
    views = split_views(config, dataset, decoded, networks[0], cells, chosen, where)
    originals = {}
    for entry, network in zip(config.networks, networks, strict=True):
        digest, function = network.weights_digest(), network_identity(entry, network.module)
        network.to(chosen)
        seen = {name: replace(view, preprocessing=network.preprocessing) for name, view in views.items()}
        follows_from = json.dumps([key, original_key(network, digest, function)])
        known = None if recall is None else recall.find(follows_from)
        if known is None:
            known = _original_answers(network, seen["train"], dataset, config.batch, progress)
            if recall is not None:
                recall.keep(follows_from, known)
        originals[network.name] = Original(network, seen, known, digest, function)
    _check_pairs(config, list(originals.values()), where)
    return Run(config, where, out, cache, chosen, dataset, decoded, originals, cells, key), state


def _load_networks(config: RunConfig, dataset: Dataset, listed: Dataset, where: str) -> list[Network]:
    """Every network of the run. They see the same pixels, since an image of a study has one picture."""
    networks = []
    for index, entry in enumerate(config.networks):
        at = f"{where}: network" if len(config.networks) == 1 else f"{where}: networks[{index}]"
        with trying(f"loading the network {entry.spec}", "leave the network out, or mend its code or its file"):
            network = load_network(entry, at)
        check_indices(config, listed, network, where)
        if config.dataset.only_listed_classes:
            network = network.restricted(sorted(dataset.classes))
        networks.append(network)
        if _pixels(network) != _pixels(networks[0]):
            raise InputError(
                f"{at}.preprocessing: {network.name} and {networks[0].name} cut images differently, and a study shows "
                f"one picture of each: give all networks the same preprocessing ({_pixels(networks[0])})"
            )
    return networks


def _pixels(network: Network) -> dict[str, object]:
    return {key: value for key, value in asdict(network.preprocessing).items() if key not in ("mean", "std")}


def choose_device(name: str) -> torch.device:
    """``auto`` is the first CUDA device if there is one. InputError for ``cuda`` where there is none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: torch sees no CUDA device here: use --device cpu or auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _be_deterministic(seed: int, device: torch.device) -> None:
    random.seed(seed)
    torch.manual_seed(seed)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    # TF32 keeps 10 bits of a factor, where results are to be float32's.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    if device.type == "cuda":
        # Fused attention adds its gradients up in any order there, whatever `warn` below says. On the CPU it does not.
        torch.backends.cuda.enable_flash_sdp(False)
        torch.backends.cuda.enable_mem_efficient_sdp(False)
        torch.backends.cuda.enable_cudnn_sdp(False)
    # `use_deterministic_algorithms` says the same, and loads torch's compiler: as long again as torch itself.
    torch.set_deterministic_debug_mode("warn")


def _compile_deterministically() -> None:
    """Have torch's compiler choose kernels without timing them, where a network of the run has loaded it."""
    if "torch._inductor" in sys.modules:
        torch.use_deterministic_algorithms(True, warn_only=True)


def _state(config: RunConfig, dataset: Dataset, device: torch.device) -> dict[str, object]:
    """What all finished work in the run's folder follows from, by the names in which people are told of differences.

    Runs that differ in networks, metrics, attributors, pairs, rendering or protocol alone can share a folder. Where the
    data lie does not matter: their digest says what they are.
    """
    settings = config.as_json()["dataset"]
    return {
        "seed": config.seed,
        "batch": config.batch,
        "dataset settings": {
            key: value for key, value in settings.items() if not isinstance(getattr(config.dataset, key), Path)
        },
        "images": dataset.digest,
        "classes": sorted(dataset.classes.values()),
        "device": device.type,
    }


def _original_answers(network: Network, view: SplitView, dataset: Dataset, batch: int, progress: Progress) -> Answers:
    images, done = range(len(dataset.samples)), 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        progress("answers of the original network", done, len(images))

    try:
        return answers(network, view, images, batch=batch, tick=tick)
    except BLAMED as error:
        if not isinstance(error, InputError):
            # It met the batch after those that are done.
            now, where = images[done : done + batch], f"network {network.name}"
            blame(error, dataset, where, now, lambda item: answers(network, view, [item], batch=1), others=images)
        raise


def _check_pairs(config: RunConfig, originals: list[Original], where: str) -> None:
    export = originals[0].splits["export"]
    members = np.asarray(export.members)
    right = [original.answers.predictions[members] == export.targets[members] for original in originals]
    correct = int(np.logical_and.reduce(right).sum())
    if correct < config.pairs:
        who = "the original network classifies" if len(originals) == 1 else "all original networks classify"
        raise InputError(
            f"{where}: pairs: {config.pairs} wanted, but {who} only {correct} of the "
            f"{len(members)} export images correctly: lower pairs or raise dataset.splits.export"
        )
