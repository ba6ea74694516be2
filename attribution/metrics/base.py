"""What every explanation metric of a study does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from torch import Tensor

from attribution.split_view import SplitView

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Probe:
    """What one evaluation looks at: inputs [N, 3, H, W], targets [N] to explain, regions bool [N, H, W] to score on.

    `items` says that the inputs are just these images of the data set, so that what is known of them can be reused.
    `own`, bool [N], says which inputs explain the class of the image they were made for; None: all do.
    """

    inputs: Tensor
    targets: Tensor
    regions: Tensor
    items: tuple[int, ...] | None
    own: Tensor | None = None


class LearnableMetric(Protocol):
    """An explanation metric that gives a loss to fine-tune on."""

    name: ClassVar[str]
    direction: ClassVar[Direction]
    needs_masks: ClassVar[bool]
    published: ClassVar[tuple[float, float]]  # weight and learning rate of the published study

    @property
    def draws(self) -> int:
        """How many inputs an image is scored on when it is exported; its score is their mean."""
        ...

    @property
    def least_per_class(self) -> int:
        """Images that each class must have in each split."""
        ...

    @property
    def least_classes(self) -> int:
        """Classes that the data set must have."""
        ...

    def probe(
        self,
        split: SplitView,
        items: Sequence[int],
        *,
        seed: int,
        turn: int,
        original_logits: Callable[[Tensor], Tensor],
    ) -> Probe:
        """One input per item; `original_logits` is the original's answer.

        Where the metric draws at random, it draws anew for each `turn`: training counts from 1 up, scoring from 0 down.
        """
        ...

    def scores(self, maps: Tensor, regions: Tensor) -> Tensor:
        """Scores [N] of maps [N, H, W]; NaN where the metric is undefined."""
        ...

    def loss(self, maps: Tensor, regions: Tensor) -> Tensor:
        """A number that falls as the metric gets better; images where it is undefined take no part."""
        ...
