"""Explanation metrics: one file each, one line each in the registry."""

from attribution.metrics.base import Explained, LearnableMetric, Metric, Probe, as_learnable
from attribution.metrics.complexity import Complexity
from attribution.metrics.deletion_insertion import Deletion, Insertion
from attribution.metrics.focus import Focus
from attribution.metrics.infidelity import Infidelity
from attribution.metrics.input_stability import InputStability
from attribution.metrics.irof import IROF
from attribution.metrics.max_sensitivity import MaxSensitivity
from attribution.metrics.pointing_game import PointingGame
from attribution.metrics.relative_input_stability import RelativeInputStability
from attribution.metrics.rma import RMA
from attribution.metrics.road import ROAD
from attribution.metrics.rra import RRA
from attribution.metrics.sparseness import Sparseness
from attribution.metrics.topk import TopK
from attribution.metrics.weighted_sum import WeightedSum

METRICS: dict[str, type[Metric]] = {
    "Focus": Focus,
    "RMA": RMA,
    "RRA": RRA,
    "PointingGame": PointingGame,
    "TopK": TopK,
    "Sparseness": Sparseness,
    "Complexity": Complexity,
    "MaxSensitivity": MaxSensitivity,
    "InputStability": InputStability,
    "RelativeInputStability": RelativeInputStability,
    "Infidelity": Infidelity,
    "ROAD": ROAD,
    "IROF": IROF,
    "Deletion": Deletion,
    "Insertion": Insertion,
    "WeightedSum": WeightedSum,
}

__all__ = ["METRICS", "Explained", "LearnableMetric", "Metric", "Probe", "as_learnable"]
