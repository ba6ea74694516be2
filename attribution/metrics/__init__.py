"""Explanation metrics: one file each, one line each in the registry."""

from attribution.metrics.base import LearnableMetric, Probe
from attribution.metrics.focus import Focus
from attribution.metrics.rma import RMA

METRICS: dict[str, type[LearnableMetric]] = {
    "Focus": Focus,
    "RMA": RMA,
}

__all__ = ["METRICS", "LearnableMetric", "Probe"]
