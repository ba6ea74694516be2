"""Explanation metrics: one file each, one line each in the registry."""

from attribution.metrics.base import Explained, LearnableMetric, Metric, Probe, as_learnable
from attribution.metrics.complexity import Complexity
from attribution.metrics.focus import Focus
from attribution.metrics.pointing_game import PointingGame
from attribution.metrics.rma import RMA
from attribution.metrics.rra import RRA
from attribution.metrics.sparseness import Sparseness
from attribution.metrics.topk import TopK

METRICS: dict[str, type[Metric]] = {
    "Focus": Focus,
    "RMA": RMA,
    "RRA": RRA,
    "PointingGame": PointingGame,
    "TopK": TopK,
    "Sparseness": Sparseness,
    "Complexity": Complexity,
}

__all__ = ["METRICS", "Explained", "LearnableMetric", "Metric", "Probe", "as_learnable"]
