"""What every explanation metric of a study does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, cast

from torch import Tensor

from attribution.attributors import Attributor
from attribution.metrics.undefined import Cause
from attribution.networks import Network
from attribution.split_view import SplitView

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Probe:
    """What one evaluation looks at: inputs [N, 3, H, W], targets [N] to explain, regions bool [N, H, W] to score on.

    `regions` is None for a metric that needs none. `items` says that the inputs are just these images of the data
    set, so that what is known of them can be reused. `own`, bool [N], says which inputs explain the class of the
    image they were made for; None: all do. `seeds` [N] are numbers of each image's own: whatever a metric draws for
    an image follows from its seed, never from batch mates. `others` are inputs that are explained beside these, for a
    metric that looks at several things.
    """

    inputs: Tensor
    targets: Tensor
    regions: Tensor | None
    items: tuple[int, ...] | None
    seeds: tuple[int, ...]
    own: Tensor | None = None
    others: tuple["Probe", ...] = ()


@dataclass(frozen=True)
class Explained:
    """A network's maps [N, H, W] of a probe's inputs with the logits [N, classes] they came from, and what made them.

    Made for a loss, maps and logits carry a graph to the network's parameters. A metric that asks the network or the
    attributor again does so through `network` and `attributor`.
    """

    network: Network
    attributor: Attributor
    probe: Probe
    maps: Tensor
    logits: Tensor

    @property
    def regions(self) -> Tensor:
        """The probe's regions. ValueError if it has none."""
        if self.probe.regions is None:
            raise ValueError("this probe has no regions")
        return self.probe.regions


class Metric(Protocol):
    """An explanation metric: a frozen dataclass whose fields are its options, each with a default.

    An option that makes no sense raises ValueError in ``__post_init__``.
    """

    name: ClassVar[str]
    direction: ClassVar[Direction]
    learnable: ClassVar[bool]  # whether it is a `LearnableMetric`

    @property
    def undefined(self) -> tuple[Cause, ...]:
        """Why a map may have no score; others than these go without a reason."""
        ...

    @property
    def needs_masks(self) -> bool:
        """Whether every image must have a mask or box."""
        ...

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

    def scores(self, explained: Explained) -> Tensor:
        """Scores [N] (float64, on any device); NaN where the metric is undefined."""
        ...


class LearnableMetric(Metric, Protocol):
    """An explanation metric that gives a loss to fine-tune on."""

    @property
    def published(self) -> tuple[float, float] | None:
        """Weight and learning rate of the published study for the metric with these options, if it has any."""
        ...

    def loss(self, explained: Explained) -> Tensor:
        """A number that falls as the metric gets better; images where it is undefined take no part."""
        ...


def as_learnable(metric: Metric) -> LearnableMetric:
    """The same metric as one that gives a loss. TypeError if it gives none."""
    if not metric.learnable:
        raise TypeError(f"{metric.name} is not a learnable metric")
    return cast(LearnableMetric, metric)
