"""What a worker process keeps warm between steps: runs with their networks, and the network of the last conditions."""

import hashlib
import io
import json
import logging
import math
import socket
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
import PIL
import torch

from attribution.conditions import Condition
from attribution.errors import InputError
from attribution.evaluation import Answers
from attribution.jobs.chunk_files import DAMAGED
from attribution.jobs.enough_room import ANSWERS, check_scratch, check_storage, tell
from attribution.jobs.job import Job, config_of, read_job
from attribution.jobs.scratch import drop_unfinished, mark, tidy
from attribution.map_store import MapStore, PassingMaps
from attribution.networks import Network
from attribution.out_of_memory import forget_bounds
from attribution.pipeline import trained
from attribution.progress import Progress, silent
from attribution.room import Room
from attribution.run import Run, load_run
from attribution.shared_storage import SharedStorage
from attribution.trainers import Outcome
from attribution.trainers.checkpoints import is_whole

logger = logging.getLogger(__name__)

RUNS = 2
NETWORKS = 3
# Part of all names below: raise it when what a step leaves changes.
VERSION = 1
CHUNK_BYTES = 256 * 1024 * 1024
"""How much a chunk's maps may take in the memory of the machine.

The device has a batch of them at a time, so its memory is no measure. Nor is what is free anywhere: another worker, or
another attempt, has to come to the same chunks to find those that are finished.
"""
CHUNKS = 8
"""Into how many chunks at least a condition is divided, if it has as many batches."""


@dataclass(frozen=True)
class Made:
    """A condition's finetuned network with the digest of its weights, and its maps as they are made."""

    outcome: Outcome
    weights: str
    maps: PassingMaps


class Workbench:
    """A run in this process, with its places in the storage and on this machine's disk."""

    def __init__(self, run: Run, storage: SharedStorage, training: Path) -> None:
        self.run = run
        self.storage = storage
        self.training = training
        self._made: OrderedDict[str, Made] = OrderedDict()
        self._originals: dict[str, MapStore] = {}

    def mark(self) -> None:
        """Note in the scratch folder that the run's images and maps are in use."""
        images = self.run.decoded.images
        used = [Path(str(images.filename)).parent] if isinstance(images, np.memmap) else []
        for store in self._originals.values():
            used += store.folder.glob(f"{store.stem}-done.npy")
        mark(used)

    @cached_property
    def place(self) -> str:
        """Where the run's steps leave what they make: it follows from data, seed, batch and device."""
        return _place(self.run.key)

    def condition(self, slug: str) -> Condition:
        found = next((each for each in self.run.conditions if each.slug == slug), None)
        if found is None:
            raise InputError(f"{self.run.where}: has no condition {slug}: was the config changed? Start the build anew")
        return found

    def finetuned_name(self, condition: Condition) -> str:
        """The storage's name, without ending, of what fine-tuning the condition leaves."""
        follows_from = [VERSION, self.run.condition_key(condition), torch.__version__]
        return f"{self.place}/conditions/{condition.slug[:60]}-{_digest(follows_from)[:16]}"

    @cached_property
    def _members(self) -> str:
        """Digest of the export split, which may have very many images."""
        return _digest(self.run.export.members)

    def chunk_name(self, condition: Condition, weights: str, start: int, stop: int) -> str:
        run = self.run
        follows_from = [
            VERSION,
            run.condition_key(condition),
            weights,
            [start, stop, self._members],
            [run.config.pairs, run.config.export_unimproved, run.config.rendering.style, run.config.rendering.scale],
            # The images that every original network gets right may be drawn.
            [original.key for original in run.originals.values()],
            [torch.__version__, PIL.__version__],
        ]
        return f"{self.place}/chunks/{_digest(follows_from)}.zip"

    def chunk_images(self, condition: Condition) -> int:
        """How many images make a chunk: whole batches, as many as fit into memory, so that several workers get some."""
        run = self.run
        network = run.original(condition).network
        each = 4 * (2 * network.preprocessing.size**2 + network.classes)
        batch = run.config.batch
        batches = -(-len(run.export.members) // batch)
        # Passing maps keep no more batches than these, and a chunk's are asked for several times.
        return batch * max(1, min(CHUNK_BYTES // (each * batch), batches // CHUNKS, PassingMaps.BLOCKS))

    def original_maps(self, condition: Condition) -> MapStore:
        """The original network's maps on the export split, shared by this machine's processes."""
        name = condition.network_name
        if name not in self._originals:
            self._originals[name] = self.run.original_maps(condition, "export")
        return self._originals[name]

    def is_finetuned(self, condition: Condition) -> bool:
        return self.storage.exists(f"{self.finetuned_name(condition)}.json")

    def made(self, condition: Condition, weights: str = "") -> Made:
        """The condition's finetuned network; FileNotFoundError if it is neither here nor in the storage.

        A copy that cannot be read, or has other weights than those of the digest `weights`, is fetched again.
        InputError where that does not help. What is damaged or half there in the storage is removed, so that it can be
        made anew.
        """
        for is_fetched_again in (False, True):
            if is_fetched_again:
                self.forget(condition)
            made = self._read(condition)
            if made is not None and weights in ("", made.weights):
                self._made.move_to_end(self.finetuned_name(condition))
                return made
        self.forget(condition)
        # Without a word of it yet, somebody has just stored it.
        if made is not None and self._told_weights(condition) in (None, made.weights):
            raise InputError(f"{condition.name}: it was fine-tuned anew meanwhile: start the build again")
        for ending in ("json", "pt"):
            self.storage.remove(f"{self.finetuned_name(condition)}.{ending}")
        raise InputError(
            f"{condition.name}: its fine-tuned network was damaged in the storage, and is removed: start the build "
            "again, and it is fine-tuned anew"
        )

    def forget(self, condition: Condition) -> None:
        """Keep no copy of the condition's finetuned network in this process and on this machine."""
        self._made.pop(self.finetuned_name(condition), None)
        self._copy(condition).unlink(missing_ok=True)

    def _read(self, condition: Condition) -> Made | None:
        """The network as it lies here, or else in the storage; None if that cannot be read."""
        name = self.finetuned_name(condition)
        if name not in self._made:
            checkpoint = self._copy(condition)
            if not checkpoint.is_file():
                checkpoint.parent.mkdir(parents=True, exist_ok=True)
                try:
                    self.storage.download(f"{name}.pt", checkpoint)
                except FileNotFoundError:
                    if self._told_weights(condition) is None:
                        raise
                    return None
            mark([checkpoint])
            if not is_whole(checkpoint):
                logger.warning("%s: the file of its fine-tuned network is damaged", condition.name)
                return None
            outcome = trained(self.run, condition, checkpoint, silent)
            self.keep(condition, outcome)
        return self._made[name]

    def _copy(self, condition: Condition) -> Path:
        return self.run.out / f"{Path(self.finetuned_name(condition)).name}.pt"

    def _told_weights(self, condition: Condition) -> str | None:
        """The digest of its weights that others go by; None if there is none."""
        try:
            told = json.loads(self.storage.read(f"{self.finetuned_name(condition)}.json"))
        except FileNotFoundError:
            return None
        return str(told["weights"])

    def keep(self, condition: Condition, outcome: Outcome) -> Made:
        run = self.run
        network: Network = outcome.network
        export = run.original(condition).splits["export"]
        maps = PassingMaps(network, condition.attributor_name, condition.attributor, export, run.config.batch)
        made = Made(outcome, network.weights_digest(), maps)
        self._made[self.finetuned_name(condition)] = made
        while len(self._made) > NETWORKS:
            self._made.popitem(last=False)
        return made


class Workshop:
    """The runs that a process has loaded. `slot` is its own folder's name, where several share `work`.

    `most` is how many bytes `work` may take; what was not used for longest is deleted.
    """

    def __init__(
        self,
        storage: SharedStorage,
        work: Path,
        *,
        datasets: str,
        device: str,
        slot: str,
        most: float = math.inf,
    ) -> None:
        self.storage = storage
        self._work = work
        self._datasets = datasets
        self._device = device
        self._slot = slot
        self._most = most
        self._benches: OrderedDict[str, Workbench] = OrderedDict()
        self._build = ""
        self.attempt = 1
        """At the build of the step that is carried out; whoever does so says it."""
        drop_unfinished(work, slot)

    def is_cancelled(self, build: str, attempt: int) -> bool:
        return self.storage.exists(f"builds/{build}/cancelled-{attempt}")

    def scratch(self, build: str) -> Path:
        """A folder of this process and a build, for what it is making."""
        return self._work / "making" / f"{self._slot}-{build}"

    def bench(self, build: str, progress: Progress, *, fits: Callable[[Workbench], bool] | None = None) -> Workbench:
        """The run of a build. Without `fits` it is read again, as its data may have changed, and held against the room
        that there is.

        With it, a run that this process still has is used where it fits what was planned, and read again where not:
        it may be from before the data changed. InputError where it does not fit then either.
        """
        if build != self._build:
            # What was too much for one build may not be for another, whose log would not say that it was halved.
            forget_bounds()
            self._build = build
        job = read_job(self.storage, build, self.attempt)
        key = _digest([job.name, job.text, job.base, job.trusted])
        kept = self._benches.get(key)
        if kept is not None and (fits is None or not fits(kept)):
            del self._benches[key]
        made = self._bench(key, job, progress, is_planned=fits is not None)
        if fits is not None and not fits(made):
            raise InputError(
                f"{job.name}: {socket.gethostname()} has other data than when the build was planned, or another kind "
                "of device or another version of torch or Pillow than the worker that did so: make all workers alike, "
                "leave the data as they are, and try again"
            )
        return made

    def _bench(self, key: str, job: Job, progress: Progress, *, is_planned: bool) -> Workbench:
        def check_room(room: Room, run_key: str) -> None:
            tell(room)
            check_scratch(room, self._work, self._most, job.name)
            check_storage(room, self.storage, _place(run_key), self._work, job.name)

        if key not in self._benches:
            tidy(self._work, self._most)
            config, folder = config_of(job, self._datasets)
            run, _ = load_run(
                config,
                job.name,
                folder,
                out=self._work / "finetuned",
                # Another version of torch rounds differently, and what a worker keeps outlives it.
                cache=self._work / "cache" / f"torch-{torch.__version__}",
                device=self._device,
                progress=progress,
                check_room=None if is_planned else check_room,
                recall=_StoredAnswers(self.storage),
                within=None if job.trusted else folder,
            )
            self._benches[key] = Workbench(run, self.storage, self._work / "training" / self._slot)
            while len(self._benches) > RUNS:
                self._benches.popitem(last=False)
        self._benches.move_to_end(key)
        self._benches[key].mark()
        return self._benches[key]


class _StoredAnswers:
    """The answers of original networks in the storage, so that one worker asks for them and not each."""

    ARRAYS = ("predictions", "confidences", "first", "logits")

    def __init__(self, storage: SharedStorage) -> None:
        self._storage = storage

    def _name(self, key: str) -> str:
        return f"{ANSWERS}/{_digest([VERSION, key, torch.__version__])}.npz"

    def find(self, key: str) -> Answers | None:
        try:
            content = self._storage.read(self._name(key))
        except FileNotFoundError:
            return None
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                predictions, confidences, first, logits = (arrays[name] for name in self.ARRAYS)
        except DAMAGED as error:
            logger.warning("the answers of an original network are damaged in the storage, and made anew: %s", error)
            return None
        return Answers(predictions, confidences, first, torch.from_numpy(logits))

    def keep(self, key: str, answers: Answers) -> None:
        content = io.BytesIO()
        np.savez(
            content,
            predictions=answers.predictions,
            confidences=answers.confidences,
            first=answers.first,
            logits=answers.logits.numpy(),
        )
        self._storage.write(self._name(key), content.getvalue())


def _place(run_key: str) -> str:
    return f"runs/{_digest([VERSION, run_key])[:20]}"


def _digest(parts: object) -> str:
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
