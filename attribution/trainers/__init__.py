"""Trainers: one file each, one line each in the registry."""

from attribution.trainers.base import Outcome, Selection, Task, Trainer
from attribution.trainers.fidelity import FidelityTrainer

TRAINERS: dict[str, type[Trainer]] = {
    "fidelity": FidelityTrainer,
}

__all__ = ["TRAINERS", "Outcome", "Selection", "Task", "Trainer"]
