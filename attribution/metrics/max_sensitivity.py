"""Max-sensitivity (Yeh et al. 2019, the definition of SENS_MAX), relative to the map, as captum and Quantus have it."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from attribution.metrics.base import Direction, Explained
from attribution.metrics.options import whole_number
from attribution.metrics.perturbation import (
    UNDEFINED_CHANGE,
    checked_scale,
    explained_copies,
    largest,
    relative_change,
)
from attribution.metrics.plain_images import PlainImages
from attribution.metrics.undefined import Cause


@dataclass(frozen=True)
class MaxSensitivity(PlainImages):
    """Largest ||map(x') - map(x)|| / ||map(x)|| over `samples` inputs x' around x; Euclidean norms over the pixels.

    x' is drawn uniformly from the ball of `radius` around x in the largest-difference norm: every value of every
    channel moves by at most `radius`, in units of the normalised input (with ImageNet's preprocessing, .02 is about
    one grey level of 255). The maximum over samples estimates the one over the ball from below; compare scores with
    the same `samples` only. x' is explained for the class of x, whatever the network predicts for it.

    A ratio from 0 upwards. Undefined (NaN) where the map of x is zero everywhere; captum divides by 1 there.
    """

    radius: float = 0.02
    samples: int = 10

    name: ClassVar[str] = "MaxSensitivity"
    direction: ClassVar[Direction] = "lower"
    needs_masks: ClassVar[bool] = False
    learnable: ClassVar[bool] = False
    undefined: ClassVar[tuple[Cause, ...]] = UNDEFINED_CHANGE

    def __post_init__(self) -> None:
        checked_scale("radius", self.radius)
        whole_number("samples", self.samples, 1)

    def scores(self, explained: Explained) -> Tensor:
        copies = explained_copies(explained, "uniform", self.radius, self.samples)
        return largest(explained, copies, lambda some, maps: relative_change(maps, some.maps.double()))
