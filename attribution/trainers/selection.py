"""Validation and the choice among checkpoints.

Every validation scores the whole validation split. A checkpoint is trusted if it agrees with the original's
predictions often enough and leaves the metric defined on as large a share of the images where it was; the original's
own score, on the images where both are defined, is the one to beat. Of a control, agreement alone is asked.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from attribution.evaluation import Known, answers, metric_scores
from attribution.networks import Network
from attribution.trainers.base import Outcome, Selection, Task


@dataclass(frozen=True)
class Measured:
    """A checkpoint on the validation split. Scores are means over the images where both networks have one; `gain` is
    positive where the metric got better; `undefined` counts the images without a score, `kept` is the share that still
    has one of those that the original has one for. `faithful` says that the agreement is large enough, `trusted` that
    `kept` is as well."""

    step: int
    before: float
    score: float
    gain: float
    agreement: float
    undefined: int
    kept: float
    faithful: bool
    trusted: bool


# How much a checkpoint is to be preferred, compared like a list; of equal ones the earlier stays.
Rank = Callable[[Measured], list[float]]


def best_on_the_metric(measured: Measured) -> list[float]:
    """Among trusted checkpoints the best score; only if there is none, the most faithful one."""
    return [1.0, measured.gain] if measured.trusted else [0.0, measured.agreement]


def last_faithful(measured: Measured) -> list[float]:
    """The last checkpoint that agrees with the original often enough; only if there is none, the most faithful one.

    For controls: to take the one that happens to score best, or has a score at all, would be to let the metric choose.
    """
    return [1.0, float(measured.step)] if measured.faithful else [0.0, measured.agreement]


@dataclass
class State:
    """Where a fine-tuning stands: all that its checkpoint keeps, besides network and optimizer."""

    before: Tensor  # the original's validation scores [N], NaN where undefined
    step: int = 0
    best: dict[str, Any] | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0


def measure(task: Task, asked: Network, student: Network, before: np.ndarray, step: int) -> Measured:
    """`student` on the validation split; `asked` is the original, `before` are its own scores [N]."""
    items = task.validation.members
    scores = validation_scores(task, asked, student)
    both = ~(np.isnan(scores) | np.isnan(before))
    score, score_before = _mean(scores[both]), _mean(before[both])
    predictions = answers(student, task.validation, items, batch=task.batch).predictions
    agreement = float((predictions == task.predictions[list(items)]).mean())
    # Making a bad map vanish, so that its score is undefined, must not count as an improvement, whatever appears in
    # exchange.
    kept = int(both.sum()) / max(1, int((~np.isnan(before)).sum()))
    least = task.config.minimum_agreement
    return Measured(
        step=step,
        before=score_before,
        score=score,
        gain=(score - score_before) * (1 if task.metric.direction == "higher" else -1),
        agreement=agreement,
        undefined=int(np.isnan(scores).sum()),
        kept=kept,
        faithful=agreement >= least,
        trusted=agreement >= least and kept >= least and not math.isnan(score),
    )


def validation_scores(task: Task, asked: Network, network: Network, known: Known | None = None) -> np.ndarray:
    """Scores [N] of `network` on the validation split, on the same inputs every time."""
    return metric_scores(
        network,
        asked,
        task.attributor,
        task.metric,
        task.validation,
        task.validation.members,
        seed=task.seed,
        batch=task.batch,
        known=known,
    )[:, 0]


def keep(state: State, measured: Measured, student: Network, rank: Rank) -> None:
    """Remember the student's weights if they are to be preferred to those remembered so far."""
    preferred = rank(measured)
    if state.best is None or preferred > state.best["rank"]:
        weights = {name: value.detach().cpu().clone() for name, value in student.module.state_dict().items()}
        state.best = {
            "rank": preferred,
            "improved": bool(measured.trusted and measured.gain > 0),
            "before": measured.before,
            "score": measured.score,
            "agreement": measured.agreement,
            "step": measured.step,
            "weights": weights,
        }


def outcome(student: Network, state: State) -> Outcome:
    """The student with the remembered weights, and how they were selected."""
    best = state.best
    if best is None:
        raise RuntimeError("a fine-tuning ends with a validation")
    student.module.load_state_dict(best["weights"])
    selection = Selection(
        improved=best["improved"],
        before=best["before"],
        after=best["score"],
        agreement=best["agreement"],
        step=best["step"],
        seconds=state.seconds,
        history=tuple(state.history),
    )
    return Outcome(student, selection)


def _mean(scores: np.ndarray) -> float:
    return float(scores.mean()) if len(scores) else math.nan
