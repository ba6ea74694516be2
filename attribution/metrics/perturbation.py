"""Perturbed copies of images, the same whatever the device, the batch and the number of copies."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from attribution.attributors.joint import explain
from attribution.metrics.base import Explained
from attribution.metrics.undefined import NO_RELEVANCE, NOT_FINITE, defined
from attribution.networks import Network, frozen

Noise = Literal["uniform", "normal"]

LEVELS = 2**16
# Why a change relative to a map is undefined.
UNDEFINED_CHANGE = (NOT_FINITE, NO_RELEVANCE)
# Copies that go through the network at once where the batch is not larger: the batch, not the number of copies of an
# image, bounds the memory.
COPIES = 16


@dataclass(frozen=True)
class Copies:
    """Perturbed copies of images, and what the network and the attributor make of them.

    `images` and `samples`, int64 [M], say which image each is a copy of, and its how-manieth. Perturbed inputs
    [M, 3, H, W], maps [M, H, W], logits [M, classes].
    """

    images: Tensor
    samples: Tensor
    inputs: Tensor
    maps: Tensor
    logits: Tensor


def explained_copies(explained: Explained, kind: Noise, scale: float, samples: int) -> Iterator[Copies]:
    """`samples` copies of each image of the probe under noise x `scale`, explained for the same class, without graphs.

    Noise is added to the normalised input and not clipped: what it changes does not depend on how bright the image is.
    """
    probe, network = explained.probe, explained.network
    for images, turns in passes(len(probe.seeds), samples):
        places = torch.tensor(images, device=probe.inputs.device)
        seeds = [probe.seeds[image] for image in images]
        noise = draws(kind, seeds, turns, probe.inputs.shape[1:], like=probe.inputs).mul_(scale)
        inputs = noise.add_(probe.inputs.detach()[places])
        with frozen(network):
            (made,) = explain(network, [explained.attributor], inputs, probe.targets[places])
        turn = torch.tensor(turns, device=places.device)
        yield Copies(places, turn, inputs, made.maps.detach(), made.logits.detach())


def predictions(network: Network, logits: Tensor) -> Tensor:
    """The class [N] that a network with these logits [N, classes] chooses, among those it may choose."""
    choices = logits if network.columns is None else logits[:, list(network.columns)]
    return choices.argmax(dim=1)


def largest(explained: Explained, copies: Iterable[Copies], value: Callable[[Copies, Tensor], Tensor]) -> Tensor:
    """The largest value of each image's copies, float64 [N]; -inf where an image has none.

    `value` is told copies and the maps [M, H, W] of their images in float64, and gives a value [M] to each; NaN where
    one of an image's values is.
    """
    maps = explained.maps.detach().double()
    found = torch.full((len(maps),), -torch.inf, dtype=torch.float64, device=maps.device)
    for some in copies:
        found = found.scatter_reduce(0, some.images, value(some, maps[some.images]), "amax")
    return found


def relative_change(maps: Tensor, others: Tensor) -> Tensor:
    """Euclidean norm of the change from each map to the other, relative to the map's; both [N, H, W].

    [N], NaN where the map is zero everywhere or one of the two is not finite; the gradient is zero there.
    """
    known = known_change(maps, others)
    # Before anything is computed with them: a gradient of zero times a value that is not finite is none.
    maps, others = (torch.where(known[:, None, None], each, 1.0) for each in (maps, others))
    size: Tensor = torch.linalg.vector_norm(maps.flatten(1), dim=1)
    change: Tensor = torch.linalg.vector_norm((others - maps).flatten(1), dim=1)
    share = change / size
    return torch.where(known, share, torch.full_like(share, torch.nan))


def known_change(maps: Tensor, others: Tensor) -> Tensor:
    """Bool [N]: where a change relative to the maps is defined, and the others are finite."""
    known: Tensor = defined(UNDEFINED_CHANGE, maps) & others.isfinite().flatten(1).all(dim=1)
    return known


def checked_scale(name: str, value: float) -> None:
    """ValueError unless the option is a finite number above zero."""
    if not 0 < value < float("inf"):
        raise ValueError(f"{name}: {value!r}: use a number above 0, in units of the normalised input")


def draws(kind: Noise, seeds: Sequence[int], samples: Sequence[int], shape: Sequence[int], *, like: Tensor) -> Tensor:
    """Random numbers [len(seeds), *shape] on the device and in the type of `like`.

    Row i follows from ``seeds[i]`` and ``samples[i]`` alone. A number is one of 65,536 equally likely values:
    ``"uniform"``: evenly spaced in (-1, 1); ``"normal"``: the quantiles of the standard normal distribution (the
    largest is 4.3). The bits come from NumPy's generator SFC64, whose stream is fixed; they are drawn on the CPU and
    looked up on the device, so that every device gets the same numbers.
    """
    count = int(np.prod(shape))
    bits = np.empty((len(seeds), count), dtype=np.int16)
    for row, seed, sample in zip(bits, seeds, samples, strict=True):
        words = np.random.SFC64([seed, sample]).random_raw(-(-count // 4))
        row[:] = words.astype("<u8", copy=False).view("<i2")[:count]
    levels = torch.from_numpy(bits).to(like.device)
    if kind == "uniform":
        # Exact in float32: the values differ by a power of two.
        values = levels.to(like.dtype).add_(0.5).mul_(2 / LEVELS)
    else:
        # With 32-bit indices this takes a tenth of the time of indexing.
        places = levels.flatten().int().add_(LEVELS // 2)
        values = _normal_quantiles(like.device, like.dtype).index_select(0, places)
    return values.view(len(seeds), *shape)


@cache
def _normal_quantiles(device: torch.device, dtype: torch.dtype) -> Tensor:
    """Quantiles [65536] of the standard normal distribution in the middles of equally likely parts."""
    middles = (torch.arange(LEVELS, dtype=torch.float64) + 0.5) / LEVELS
    quantiles: Tensor = torch.special.ndtri(middles)
    return quantiles.to(dtype).to(device)


def passes(images: int, samples: int) -> Iterator[tuple[list[int], list[int]]]:
    """Every sample of every image, as lists of images and of samples that fill one pass through the network.

    A pass has as many copies as the batch has images, or `COPIES` if that is more.
    """
    pairs = [(image, sample) for sample in range(samples) for image in range(images)]
    size = max(images, COPIES)
    for start in range(0, len(pairs), size):
        chunk = pairs[start : start + size]
        yield [image for image, _ in chunk], [sample for _, sample in chunk]
