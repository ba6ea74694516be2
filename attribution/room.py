"""What a run takes of disks and of memory, told from its config, data set and networks before any long work."""

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import ceil, inf
from pathlib import Path

import torch
from torch import nn

from attribution.conditions import Condition
from attribution.config import RunConfig
from attribution.errors import InputError
from attribution.images import Dataset
from attribution.networks import COPYING_FAILED, Network, copied

FLOAT = 4
# Prediction, confidence and first class of an image, besides its logits.
ANSWER = 3 * 8
# A map's picture as PNG, of its pixels uncompressed: white_to_red has .07 (smooth maps) to .31 (noise), perceptual
# .15 to .43, and overlay up to .9, by which photographs are counted as well.
COMPRESSED = {"white_to_red": 0.3, "perceptual": 0.4, "overlay": 0.9}
PHOTOGRAPH = 0.9
# What comes to a picture besides: its headers, and its entries in an archive and in the manifest.
ENTRY = 512
# A pair in study.json, with its trial.
PAIR = 1024
# Of its weights a checkpoint has two while it is trained (the last and the best), and Adam two moments of each.
UNFINISHED = 4
# What a module may raise that asks for values, which the meta device does not have.
_NOT_TOLD = (*COPYING_FAILED, NotImplementedError, LookupError, ArithmeticError, AssertionError)
UNITS = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


@dataclass(frozen=True)
class Room:
    """About how many bytes a run takes on disks; pictures are estimated, the rest follows from numbers and sizes.

    `images` are decoded images with their masks, `maps` those of the original networks, `finetuned_maps` those of the
    others, `answers` what the original networks say of all images, `networks` the finished ones, `training` the largest
    unfinished one, `chunks` the pictures and scores of all chunks, `bundle` the study with its pictures.
    """

    images: int
    maps: int
    finetuned_maps: int
    answers: int
    networks: int
    training: int
    chunks: int
    bundle: int

    @property
    def scratch(self) -> dict[str, int]:
        """What a worker that carries out all steps has in its scratch folder at most, by what it is."""
        return {
            "decoded images": self.images,
            "maps of the original networks": self.maps,
            "fine-tuned networks": self.networks + self.training,
            "chunks and bundle": self.chunks + 2 * self.bundle,
        }

    @property
    def shared(self) -> dict[str, int]:
        """What a build leaves in the shared storage."""
        return {
            "answers of the original networks": self.answers,
            "fine-tuned networks": self.networks + self.training,
            "chunks and bundle": self.chunks + self.bundle,
        }

    @property
    def alone(self) -> dict[str, int]:
        """What a run of one process has in its folder at most."""
        return {
            "decoded images": self.images,
            "maps": self.maps + self.finetuned_maps,
            "fine-tuned networks": UNFINISHED * self.networks,
            "bundle": self.bundle,
        }


def room_of(config: RunConfig, dataset: Dataset, networks: Sequence[Network], cells: Sequence[Condition]) -> Room:
    """What the run takes. All networks see images of one size."""
    count, area = len(dataset.samples), networks[0].preprocessing.size ** 2
    shares = config.dataset.splits
    export, validation = ceil(count * shares.export), ceil(count * shares.validation)
    masks = any(sample.mask or sample.boxes for sample in dataset.samples)
    attributors = len(config.attributors)
    weights = {network.name: _weights(network.module) for network in networks}
    draws = sum(2 * cell.metric.draws for cell in cells)
    picture = 3 * area * COMPRESSED[config.rendering.style] + ENTRY
    # Twice as many as the study shows are drawn, see the chunks.
    drawn = min(export, 2 * config.pairs + config.batch) * 2 * len(cells)
    # Conditions share an original's picture, unless what is beside it decides about its colours.
    originals = len(cells) if config.rendering.scale == "pair" else len(networks) * attributors
    study = (originals + len(cells)) * picture + 3 * area * PHOTOGRAPH + ENTRY + len(cells) * PAIR
    return Room(
        images=count * area * (3 + masks),
        maps=sum(FLOAT * (export + validation) * (attributors * area + network.classes) for network in networks),
        finetuned_maps=len(cells) * FLOAT * export * area,
        answers=sum(count * (ANSWER + FLOAT * network.classes) for network in networks),
        networks=sum(weights[cell.network_name] for cell in cells),
        training=UNFINISHED * max(weights.values()),
        chunks=int(drawn * picture) + 2 * FLOAT * export * draws,
        bundle=int(config.pairs * study),
    )


def _weights(module: nn.Module) -> int:
    return sum(value.nbytes for value in module.state_dict().values())


def check_disk(
    folder: Path, parts: Mapping[str, int], where: str, what: str, remedy: str, *, own: int, most: float = inf
) -> None:
    """InputError if the disk of `folder` has no room for the parts, where it has `own` bytes that are theirs already.

    `most` is what it may take at all, `what` its name for people, and `remedy` what its owner can do.
    """
    need = sum(parts.values())
    have = min(shutil.disk_usage(existing(folder)).free + own, most)
    if need > have:
        counted = ", ".join(f"{name} {told(size)}" for name, size in parts.items() if size)
        raise InputError(
            f"{where}: about {told(need)} are needed in {what} ({counted}; estimated), which has {told(have)} for it: "
            f"{remedy}, or take fewer images, pairs or conditions, or a smaller preprocessing.size"
        )


def told(size: float) -> str:
    """Bytes for people: ``1.5 GiB``."""
    for unit, name in UNITS:
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size:.0f} bytes"


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def taken(folder: Path) -> int:
    """The bytes that the files of a folder have on its disk."""
    found = 0
    for home, _, names in os.walk(folder):
        for name in names:
            # What is gone since its name was read takes nothing.
            with suppress(FileNotFoundError):
                found += 512 * Path(home, name).lstat().st_blocks
    return found


def memory_of_one_image(network: Network) -> int | None:
    """Bytes that a forward pass of one image keeps for the backward pass, without the weights; None if unknown.

    Told by torch's meta device, which computes shapes and no values. A map takes about this, a step of a fine-tuning
    two to three times as much for each image.
    """
    known = {
        id(value): nn.Parameter(value.detach().to("meta"), requires_grad=value.requires_grad)
        for value in network.module.parameters()
    }
    seen: dict[int, int] = {}

    def keep(value: torch.Tensor) -> torch.Tensor:
        if value.device.type == "meta":
            storage = value.untyped_storage()
            seen[storage._cdata] = storage.nbytes()
            kept.append(value)
        return value

    kept: list[torch.Tensor] = []
    size = network.preprocessing.size
    try:
        module = copied(network.module, dict(known)).to("meta")
        own = {value.untyped_storage()._cdata for value in (*module.parameters(), *module.buffers())}
        with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
            module(torch.zeros(1, 3, size, size, device="meta", requires_grad=True))
    except _NOT_TOLD:
        return None
    return sum(nbytes for storage, nbytes in seen.items() if storage not in own)


def memory_of(device: torch.device) -> int | None:
    """Bytes that the device has in all; None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    found = [_read_total(Path("/proc/meminfo")), _read_limit(Path("/sys/fs/cgroup/memory.max"))]
    return min((each for each in found if each is not None), default=None)


def _read_total(path: Path) -> int | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:")), None)


def _read_limit(path: Path) -> int | None:
    """The limit of a container (cgroup v2)."""
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def check_memory(
    networks: Sequence[Network], cells: Sequence[Condition], images: int, device: torch.device, where: str
) -> None:
    """InputError if the images of one step of a fine-tuning, of which there are `images`, do not fit into memory.

    Scoring goes on with fewer at a time where memory runs out, down to one; a step has to have all of its images.
    """
    have = memory_of(device)
    for network in networks:
        each = memory_of_one_image(network)
        if have is None or each is None:
            continue
        of_network = [cell for cell in cells if cell.network_name == network.name]
        batch = max(min(cell.training.batch, images) if cell.trainer.uses_metric else 1 for cell in of_network)
        if each * batch > have:
            size = network.preprocessing.size
            raise InputError(
                f"{where}: network {network.name}: {batch} images of {size} x {size} pixels, one step of a fine-tuning,"
                f" take {told(each * batch)} of memory or more (estimated), and the {device.type} device has "
                f"{told(have)} in all: "
                "take a smaller preprocessing.size, training.batch or network, or a machine with more memory"
            )
