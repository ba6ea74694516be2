"""Explanation metrics: one file each, one line each in the registry."""

from attribution.metrics.base import Explained, LearnableMetric, Metric, Probe, as_learnable
from attribution.metrics.focus import Focus
from attribution.metrics.rma import RMA

METRICS: dict[str, type[Metric]] = {
    "Focus": Focus,
    "RMA": RMA,
}

__all__ = ["METRICS", "Explained", "LearnableMetric", "Metric", "Probe", "as_learnable"]
