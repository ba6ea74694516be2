"""Going on with fewer images at a time where the memory does not suffice."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from attribution.errors import InputError

logger = logging.getLogger(__name__)

Part = TypeVar("Part")

# What the allocators of CUDA and of the host raise.
OUT_OF_MEMORY = (torch.OutOfMemoryError, MemoryError)

# The most images that are tried at a time: what was too many once is not tried again by this process.
_bounds: dict[str, int] = {}


def by_halves(what: str, work: Callable[[Sequence[int]], Part], items: Sequence[int]) -> list[Part]:
    """``work`` on all items at once; where memory runs out, on each half, and so on. The parts are in order.

    Results may then differ by rounding from those of the whole. `what` names the kind of work, so that one that takes
    more memory does not hold back the others. InputError if the memory does not suffice for a single image.
    """
    most = _bounds.get(what, len(items))
    if len(items) <= most:
        try:
            return [work(items)]
        except OUT_OF_MEMORY as error:
            if len(items) == 1:
                raise InputError(
                    f"{what}: the memory does not suffice for a single image: take a smaller network or image size, "
                    "or a machine with more memory"
                ) from error
            _bounds[what] = len(items) // 2
            logger.warning(
                "%s: out of memory with %d images at a time, going on with %d: results may differ by rounding",
                what,
                len(items),
                len(items) // 2,
            )
        # Out of the handler, whose traceback holds what filled the memory.
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    middle = len(items) // 2
    return [*by_halves(what, work, items[:middle]), *by_halves(what, work, items[middle:])]


def bounded() -> dict[str, int]:
    """By kind of work the most images at a time, where memory ran out in this process."""
    return dict(_bounds)


def forget_bounds() -> None:
    """Try as many images at a time as a run says again."""
    _bounds.clear()
