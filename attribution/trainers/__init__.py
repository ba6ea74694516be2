"""Trainers: one file each, one line each in the registry."""

from attribution.trainers.base import Outcome, Selection, Task, Trainer
from attribution.trainers.ent import ENTTrainer
from attribution.trainers.fidelity import FidelityTrainer
from attribution.trainers.fidelity_only import FidelityOnlyTrainer
from attribution.trainers.randomised import RandomisedTrainer
from attribution.trainers.rpl import RPLTrainer

TRAINERS: dict[str, type[Trainer]] = {
    "ent": ENTTrainer,
    "fidelity": FidelityTrainer,
    "fidelity_only": FidelityOnlyTrainer,
    "randomised": RandomisedTrainer,
    "rpl": RPLTrainer,
}

__all__ = ["TRAINERS", "Outcome", "Selection", "Task", "Trainer"]
