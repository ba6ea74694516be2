"""What metrics and trainers see of a data set: normalised images, masks and targets of one split."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor

from attribution.images import Decoded, Preprocessing, normalise


@dataclass(frozen=True)
class SplitView:
    """One of train, validation and export: a view on decoded images that never leaves its own members.

    `members` are positions in `decoded`; `targets` [N] are the network's class indices and cover the whole data set,
    as do `names`. Everything drawn at random for an image depends on the seed and its name, never on batch mates.
    """

    name: str
    members: tuple[int, ...]
    decoded: Decoded
    targets: np.ndarray
    names: tuple[str, ...]
    preprocessing: Preprocessing
    device: torch.device

    def images(self, items: Sequence[int]) -> Tensor:
        """Normalised images [len(items), 3, H, W] on the device."""
        return normalise(self.decoded.images[list(items)], self.preprocessing).to(self.device)

    def masks(self, items: Sequence[int]) -> Tensor:
        """Object masks, bool [len(items), H, W]."""
        if self.decoded.masks is None:
            raise ValueError("this data set has no masks")
        return torch.from_numpy(np.asarray(self.decoded.masks[list(items)])).to(self.device)

    def classes(self, items: Sequence[int]) -> Tensor:
        """Targets, int64 [len(items)]."""
        return torch.from_numpy(self.targets[list(items)]).to(self.device)

    @cached_property
    def by_class(self) -> dict[int, tuple[int, ...]]:
        """Members of each class, in order."""
        groups: dict[int, list[int]] = {}
        for item in self.members:
            groups.setdefault(int(self.targets[item]), []).append(item)
        return {target: tuple(items) for target, items in sorted(groups.items())}

    def draw(self, seed: int, item: int, turn: int = 0) -> np.random.Generator:
        """A generator of random numbers that belong to this image, seed and turn alone."""
        return np.random.default_rng(np.frombuffer(self._key(seed, item, turn), dtype=np.uint32))

    def seeds(self, seed: int, items: Sequence[int], turn: int = 0) -> tuple[int, ...]:
        """A number below 2^63 for each image, which belongs to this image, seed and turn alone."""
        return tuple(int.from_bytes(self._key(seed, item, turn)[:8]) >> 1 for item in items)

    def _key(self, seed: int, item: int, turn: int) -> bytes:
        return sha256(f"{seed}/{self.names[item]}/{turn}".encode()).digest()
