"""Metrics that look at the images of the data set as they are."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from torch import Tensor

from attribution.metrics.base import Probe
from attribution.metrics.undefined import Cause
from attribution.split_view import SplitView


class PlainImages:
    """The part of a metric that says: each image once, for its own class, with its mask if the metric needs masks."""

    needs_masks: ClassVar[bool]
    undefined: ClassVar[tuple[Cause, ...]] = ()
    draws: ClassVar[int] = 1
    least_per_class: ClassVar[int] = 1
    least_classes: ClassVar[int] = 1

    def probe(
        self,
        split: SplitView,
        items: Sequence[int],
        *,
        seed: int,
        turn: int,
        original_logits: Callable[[Tensor], Tensor],
    ) -> Probe:
        regions = split.masks(items) if self.needs_masks else None
        return Probe(split.images(items), split.classes(items), regions, tuple(items), split.seeds(seed, items, turn))
