"""Maps of plain images, each made once: by scoring, by selection or for the pairs, whichever asks first."""

import fcntl
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from attribution.attempts import SMALLER, trying_images
from attribution.attributors import Attribution, Attributor
from attribution.attributors.joint import explain
from attribution.identity import MAPS_VERSION, method_identity
from attribution.networks import Network, frozen
from attribution.out_of_memory import by_halves
from attribution.prepared import prepared
from attribution.split_view import SplitView
from attribution.workspace import MAPS

Stored: TypeAlias = "np.memmap[tuple[int, ...], np.dtype[Any]]"


class Maps(Protocol):
    """A network's maps and logits for the images of a split and their own classes, wherever they are kept."""

    @property
    def maker(self) -> Network:
        """The network prepared for maps."""
        ...

    def maps(self, attributor: str, items: Sequence[int]) -> NDArray[np.float32]:
        """Maps [len(items), H, W] of images of the split."""
        ...

    def known(self, attributor: str, items: Sequence[int]) -> Attribution:
        """Maps and logits of images of the split, on its device."""
        ...


@dataclass(frozen=True)
class MapStore:
    """A network's maps [H, W] and logits for the images of a split and their own classes, in memory-mapped files.

    Maps of all `attributors` (by their display names) are made together, a block of `batch` images at a time, so that
    they share what they can, and a map does not depend on who asked for it first. The network is prepared for them
    (see `prepared`), so its weights may not change while the store is in use. A finished block survives a kill; files
    that were cut, or not all made, count for nothing. `key` is all that the maps follow from besides the attributors,
    their code, the images' places and MAPS_VERSION; what differs in any of these has other files.
    """

    folder: Path
    key: str
    network: Network
    attributors: Mapping[str, Attributor]
    split: SplitView
    batch: int

    @cached_property
    def maker(self) -> Network:
        """The network prepared for maps."""
        return prepared(self.network)

    def maps(self, attributor: str, items: Sequence[int]) -> NDArray[np.float32]:
        """Maps [len(items), H, W] of images of the split."""
        places = self._made(items)
        maps: NDArray[np.float32] = self._files[self._what(attributor)][places]
        return maps

    def logits(self, items: Sequence[int]) -> NDArray[np.float32]:
        """Logits [len(items), classes] of images of the split."""
        places = self._made(items)
        logits: NDArray[np.float32] = self._files["logits"][places]
        return logits

    def known(self, attributor: str, items: Sequence[int]) -> Attribution:
        """Maps and logits of images of the split, on its device."""
        maps, logits = torch.from_numpy(self.maps(attributor, items)), torch.from_numpy(self.logits(items))
        return Attribution(maps.to(self.split.device), logits.to(self.split.device))

    def remove(self) -> None:
        """Give the space back; what is asked for later, of this object too, is made again in new files."""
        self.__dict__.pop("_files", None)
        self._clear()
        self._lock.unlink(missing_ok=True)

    def _clear(self) -> None:
        # First what says which blocks are done, so that a kill in between leaves nothing that counts.
        self._path("done").unlink(missing_ok=True)
        for path in self.folder.glob(f"{self.stem}-*"):
            path.unlink()

    def _made(self, items: Sequence[int]) -> list[int]:
        places = [self._place[item] for item in items]
        for block in sorted({place // self.batch for place in places}):
            if not self._files["done"][block]:
                self._make(block)
        return places

    def _make(self, block: int) -> None:
        where = slice(block * self.batch, (block + 1) * self.batch)
        maps, logits = made_maps(self.maker, self.attributors, self.split, self.split.members[where])
        contents = {self._what(name): each for name, each in maps.items()} | {"logits": logits}
        for what, content in contents.items():
            self._files[what][where] = content
            self._files[what].flush()
        # Only now: a block that was interrupted is made again.
        self._files["done"][block] = True
        self._files["done"].flush()

    @cached_property
    def _place(self) -> dict[int, int]:
        return {item: place for place, item in enumerate(self.split.members)}

    @cached_property
    def stem(self) -> str:
        """What the names of its files begin with."""
        attributors = {name: method_identity(made) for name, made in self.attributors.items()}
        parts = [MAPS_VERSION, self.key, attributors, self.split.members, self.batch]
        return f"{MAPS}{sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]}"

    @property
    def _lock(self) -> Path:
        return self.folder / f"{self.stem}.lock"

    @cached_property
    def _files(self) -> "dict[str, Stored]":
        # Several processes may share the folder: none makes the files anew while another has just done so. They may
        # make the same block at once, which comes out the same.
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return self._opened() or self._fresh()

    def _opened(self) -> "dict[str, Stored] | None":
        """The files as they are; None unless all are there, whole, with the right shapes and types."""
        files: dict[str, Stored] = {}
        for what, (kind, shape) in self._layout.items():
            path = self._path(what)
            try:
                # To be written to, a file that was cut would be opened all the same, and filled up with zeros.
                seen: Stored = np.lib.format.open_memmap(path, mode="r")
            except (OSError, ValueError):
                return None
            if seen.dtype != kind or seen.shape != shape:
                return None
            files[what] = np.lib.format.open_memmap(path, mode="r+")
        return files

    def _fresh(self) -> "dict[str, Stored]":
        """New files in which no block is done; the one that says so appears last, whole."""
        self._clear()
        *contents, done = self._layout
        files: dict[str, Stored] = {what: self._created(what, self._path(what)) for what in contents}
        beside = self._path(done).with_suffix(".tmp")
        files[done] = self._created(done, beside)
        files[done].flush()
        beside.replace(self._path(done))
        return files

    def _created(self, what: str, path: Path) -> "Stored":
        kind, shape = self._layout[what]
        return np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)

    @cached_property
    def _layout(self) -> dict[str, tuple[type, tuple[int, ...]]]:
        """Type and shape of each file's array; which blocks are done comes last."""
        size, count = self.network.preprocessing.size, len(self.split.members)
        maps = {self._what(name): (np.float32, (count, size, size)) for name in self.attributors}
        logits = {"logits": (np.float32, (count, self.network.classes))}
        return {**maps, **logits, "done": (np.bool_, (-(-count // self.batch),))}

    def _what(self, attributor: str) -> str:
        # By name, as in the stem: the order in the config may change.
        return f"attributor{sorted(self.attributors).index(attributor)}"

    def _path(self, what: str) -> Path:
        return self.folder / f"{self.stem}-{what}.npy"


def made_maps(
    maker: Network, attributors: Mapping[str, Attributor], split: SplitView, items: Sequence[int]
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.float32]]:
    """Maps [len(items), H, W] by the attributors' names, and logits [len(items), classes]; `maker` is prepared."""

    def work(some: Sequence[int]) -> list[NDArray[np.float32]]:
        with frozen(maker):
            made = explain(maker, list(attributors.values()), split.images(some), split.classes(some))
        return [content.float().cpu().numpy() for content in (*(each.maps for each in made), made[0].logits)]

    of = ", ".join(attributors)
    remedy = f"leave {' or '.join(attributors)} out of attributors, or {SMALLER}"
    with trying_images(f"maps by {of} on {maker.name}", remedy, split, items, lambda item: work([item])):
        parts = by_halves("making maps", work, items)
    *maps, logits = (np.concatenate(each) if len(parts) > 1 else each[0] for each in zip(*parts, strict=True))
    return dict(zip(attributors, maps, strict=True)), logits


class PassingMaps:
    """As `MapStore`, for one attributor and in memory: the last few blocks, for work that goes through a split once.

    The blocks are those of a store, so the maps are the same.
    """

    BLOCKS = 64

    def __init__(self, network: Network, name: str, attributor: Attributor, split: SplitView, batch: int) -> None:
        self.network, self.split, self.batch = network, split, batch
        self._attributors = {name: attributor}
        self._place = {item: place for place, item in enumerate(split.members)}
        self._blocks: OrderedDict[int, tuple[NDArray[np.float32], NDArray[np.float32]]] = OrderedDict()

    @cached_property
    def maker(self) -> Network:
        """The network prepared for maps."""
        return prepared(self.network)

    def maps(self, attributor: str, items: Sequence[int]) -> NDArray[np.float32]:
        """Maps [len(items), H, W] of images of the split."""
        return self._gathered(attributor, items, 0)

    def known(self, attributor: str, items: Sequence[int]) -> Attribution:
        """Maps and logits of images of the split, on its device."""
        maps, logits = (torch.from_numpy(self._gathered(attributor, items, which)) for which in (0, 1))
        return Attribution(maps.to(self.split.device), logits.to(self.split.device))

    def forget(self) -> None:
        """Give the memory back; the network stays prepared."""
        self._blocks.clear()

    def _gathered(self, attributor: str, items: Sequence[int], which: int) -> NDArray[np.float32]:
        if attributor not in self._attributors:
            raise KeyError(attributor)
        places = [divmod(self._place[item], self.batch) for item in items]
        return np.stack([self._block(block)[which][within] for block, within in places])

    def _block(self, block: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if block not in self._blocks:
            members = self.split.members[block * self.batch : (block + 1) * self.batch]
            maps, logits = made_maps(self.maker, self._attributors, self.split, members)
            self._blocks[block] = next(iter(maps.values())), logits
            if len(self._blocks) > self.BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(block)
        return self._blocks[block]
