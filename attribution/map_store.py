"""Maps of plain images, each made once: by scoring, by selection or for the pairs, whichever asks first."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from attribution.attributors import Attribution, Attributor
from attribution.attributors.joint import explain
from attribution.networks import Network, frozen
from attribution.prepared import Precision, prepared
from attribution.split_view import SplitView


@dataclass(frozen=True)
class MapStore:
    """A network's maps [H, W] and logits for the images of a split and their own classes, in memory-mapped files.

    Maps of all `attributors` (by their display names) are made together, a block of `batch` images at a time, so that
    they share what they can, and a map does not depend on who asked for it first. The network is prepared for them
    (see `prepared`), so its weights may not change while the store is in use. A finished block survives a kill.
    `key` is all that the maps follow from; files of another key are another store's.
    """

    folder: Path
    key: str
    network: Network
    attributors: Mapping[str, Attributor]
    split: SplitView
    batch: int
    precision: Precision = "float32"

    @cached_property
    def maker(self) -> Network:
        """The network prepared for maps."""
        return prepared(self.network, self.precision)

    def maps(self, attributor: str, items: Sequence[int]) -> NDArray[np.float32]:
        """Maps [len(items), H, W] of images of the split."""
        places = self._made(items)
        maps: NDArray[np.float32] = self._maps[attributor][places]
        return maps

    def logits(self, items: Sequence[int]) -> NDArray[np.float32]:
        """Logits [len(items), classes] of images of the split."""
        places = self._made(items)
        logits: NDArray[np.float32] = self._logits[places]
        return logits

    def known(self, attributor: str, items: Sequence[int]) -> Attribution:
        """Maps and logits of images of the split, on its device."""
        maps, logits = torch.from_numpy(self.maps(attributor, items)), torch.from_numpy(self.logits(items))
        return Attribution(maps.to(self.split.device), logits.to(self.split.device))

    def remove(self) -> None:
        """Give the space back; what is asked for later is made again."""
        for path in self.folder.glob(f"{self._stem}-*.npy"):
            path.unlink()

    def _made(self, items: Sequence[int]) -> list[int]:
        places = [self._place[item] for item in items]
        for block in sorted({place // self.batch for place in places}):
            if not self._done[block]:
                self._make(block)
        return places

    def _make(self, block: int) -> None:
        where = slice(block * self.batch, (block + 1) * self.batch)
        members = self.split.members[where]
        with frozen(self.maker):
            made = explain(
                self.maker, list(self.attributors.values()), self.split.images(members), self.split.classes(members)
            )
        for name, attribution in zip(self.attributors, made, strict=True):
            self._maps[name][where] = attribution.maps.float().cpu().numpy()
            self._maps[name].flush()
        self._logits[where] = made[0].logits.float().cpu().numpy()
        self._logits.flush()
        # Only now: a block that was interrupted is made again.
        self._done[block] = True
        self._done.flush()

    @cached_property
    def _place(self) -> dict[int, int]:
        return {item: place for place, item in enumerate(self.split.members)}

    @cached_property
    def _stem(self) -> str:
        attributors = {name: repr(made) for name, made in self.attributors.items()}
        parts = [self.key, attributors, self.split.members, self.batch, self.precision]
        return "maps-" + sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]

    @cached_property
    def _maps(self) -> dict[str, "np.memmap[tuple[int, ...], np.dtype[np.float32]]"]:
        size = self.network.preprocessing.size
        shape = (len(self.split.members), size, size)
        return {
            name: self._open(f"attributor{place}", np.float32, shape) for place, name in enumerate(self.attributors)
        }

    @cached_property
    def _logits(self) -> "np.memmap[tuple[int, ...], np.dtype[np.float32]]":
        return self._open("logits", np.float32, (len(self.split.members), self.network.classes))

    @cached_property
    def _done(self) -> "np.memmap[tuple[int, ...], np.dtype[np.bool_]]":
        return self._open("done", np.bool_, (-(-len(self.split.members) // self.batch),))

    def _open(self, what: str, kind: type, shape: tuple[int, ...]) -> "np.memmap[tuple[int, ...], np.dtype[Any]]":
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{self._stem}-{what}.npy"
        if path.is_file():
            stored: np.memmap[tuple[int, ...], np.dtype[Any]] = np.load(path, mmap_mode="r+")
            return stored
        return np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)
