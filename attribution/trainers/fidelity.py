"""Fine-tuning on a learnable metric while the network keeps answering as before.

Loss = fidelity + weight x metric loss, with fidelity = (1 - cos(original logits, finetuned logits)) / 2, the original
without gradient and the network in eval mode (published study). The selected weights are the best on the whole
validation split among checkpoints that agree with the original's predictions often enough; the original's own score, on
the images where both are defined, is the one to beat.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from attribution.errors import InputError
from attribution.evaluation import Known, answers, metric_scores, plain_logits
from attribution.metrics import Explained, Probe, as_learnable
from attribution.networks import Network
from attribution.trainers.base import Outcome, Report, Selection, Task
from attribution.trainers.checkpoints import load_checkpoint, save_checkpoint


def fidelity_loss(original: Tensor, finetuned: Tensor) -> Tensor:
    """Mean over images of (1 - cosine of the logits) / 2; both [N, classes]."""
    return ((1 - F.cosine_similarity(original, finetuned, dim=1)) / 2).mean()


def losses(
    task: Task, student: Network, probe: Probe, wanted: Tensor, plain: tuple[Tensor, Tensor] | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The loss of one batch and its two parts, fidelity and metric.

    `wanted` are the original's logits [N, classes] for the probe's inputs, whose logits come from the forward pass of
    the maps. `plain` are images and the original's logits for them, where the probe shows something else: the network
    is trusted by its answers to plain images, so fidelity is the mean over both.
    """
    made = task.attributor(student, probe.inputs, probe.targets, create_graph=True)
    fidelity = fidelity_loss(wanted, made.logits)
    if plain is not None:
        images, known = plain
        fidelity = (fidelity + fidelity_loss(known, student.logits(images))) / 2
    metric = as_learnable(task.metric).loss(Explained(student, task.attributor, probe, made.maps, made.logits))
    return fidelity + weight(task) * metric, fidelity, metric


@dataclass
class State:
    """Where a fine-tuning stands: all that its checkpoint keeps."""

    before: Tensor  # the original's validation scores [N], NaN where undefined
    step: int = 0
    best: dict[str, Any] | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class FidelityTrainer:
    """The published study's trainer, with its selection mended."""

    name: ClassVar[str] = "fidelity"
    uses_metric: ClassVar[bool] = True
    control: ClassVar[bool] = False

    def rehearse(self, task: Task) -> None:
        _losses_of_step(task, task.original.copy(), 0)[0].backward()

    def __call__(self, task: Task, checkpoint: Path, key: str, report: Report) -> Outcome:
        student = task.original.copy()
        optimizer = torch.optim.Adam(student.module.parameters(), lr=learning_rate(task), weight_decay=0)
        state = self._restore(task, student, optimizer, checkpoint, key)
        started = time.monotonic() - state.seconds
        while state.step < task.config.steps:
            parts = self._step(task, student, optimizer, state.step)
            state.step += 1
            report({"step": state.step, **parts})
            if state.step % task.config.validate_every == 0 or state.step == task.config.steps:
                state.history.append(self._validate(task, student, state, parts))
                state.seconds = time.monotonic() - started
                report(state.history[-1])
                save_checkpoint(checkpoint, _content(key, student, optimizer, state))
        return _outcome(task, student, state)

    def _restore(
        self, task: Task, student: Network, optimizer: torch.optim.Optimizer, checkpoint: Path, key: str
    ) -> State:
        content = load_checkpoint(checkpoint, key)
        if content is None:
            return State(before=torch.from_numpy(_validation_scores(task, task.original, task.known)))
        student.module.load_state_dict(content["student"])
        optimizer.load_state_dict(content["optimizer"])
        return State(**content["state"])

    def _step(self, task: Task, student: Network, optimizer: torch.optim.Optimizer, step: int) -> dict[str, float]:
        loss, fidelity, metric = _losses_of_step(task, student, step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if task.config.gradient_clip is not None:
            torch.nn.utils.clip_grad_norm_(student.module.parameters(), task.config.gradient_clip)
        optimizer.step()
        return {"fidelity_loss": float(fidelity.detach()), "metric_loss": float(metric.detach())}

    def _validate(self, task: Task, student: Network, state: State, parts: dict[str, float]) -> dict[str, float]:
        items = task.validation.members
        scores, before = _validation_scores(task, student), state.before.numpy()
        both = ~(np.isnan(scores) | np.isnan(before))
        undefined = int(np.isnan(scores).sum())
        score, score_before = _mean(scores[both]), _mean(before[both])
        predictions = answers(student, task.validation, items, batch=task.batch).predictions
        agreement = float((predictions == task.predictions[list(items)]).mean())
        # Making a bad map vanish, so that its score is undefined, must not count as an improvement.
        lost = max(0, undefined - int(np.isnan(before).sum())) / len(items)
        least = task.config.minimum_agreement
        trusted = agreement >= least and 1 - lost >= least and not math.isnan(score)
        gain = (score - score_before) * (1 if task.metric.direction == "higher" else -1)
        # Among trusted checkpoints the best score; only if there is none, the most faithful one.
        rank = [1.0, gain] if trusted else [0.0, agreement]
        if state.best is None or rank > state.best["rank"]:
            weights = {name: value.detach().cpu().clone() for name, value in student.module.state_dict().items()}
            state.best = {
                "rank": rank,
                "trusted": trusted,
                "gain": gain,
                "before": score_before,
                "score": score,
                "agreement": agreement,
                "step": state.step,
                "weights": weights,
            }
        measured = {"validation": score, "gain": gain, "agreement": agreement, "undefined": undefined}
        return {"step": state.step, **measured, **parts}


def _losses_of_step(task: Task, student: Network, step: int) -> tuple[Tensor, Tensor, Tensor]:
    items, epoch = batch_of_step(task.train.members, task.config.batch, task.seed, step)
    probe = task.metric.probe(
        task.train,
        items,
        seed=task.seed,
        turn=epoch + 1,
        original_logits=lambda inputs: plain_logits(task.original, inputs),
    )
    # The original's answers to plain images are known already.
    wanted = (
        plain_logits(task.original, probe.inputs)
        if probe.items is None
        else task.logits[list(probe.items)].to(probe.inputs.device)
    )
    plain = None
    if probe.items is None and task.config.fidelity == "inputs_and_images":
        plain = task.train.images(items), task.logits[items].to(probe.inputs.device)
    return losses(task, student, probe, wanted, plain)


def weight(task: Task) -> float:
    """The metric loss's weight: the config's, else the published study's for this metric."""
    return task.config.weight if task.config.weight is not None else _published(task)[0]


def learning_rate(task: Task) -> float:
    """Adam's learning rate: the config's, else the published study's for this metric."""
    return task.config.learning_rate if task.config.learning_rate is not None else _published(task)[1]


def _published(task: Task) -> tuple[float, float]:
    published = as_learnable(task.metric).published
    if published is None:
        raise InputError(f"{task.metric.name} has no published settings: give training.weight and learning_rate")
    return published


def batch_of_step(members: Sequence[int], size: int, seed: int, step: int) -> tuple[list[int], int]:
    """Images of a step, and its epoch: a function of seed and step alone, so that a resumed run goes on alike."""
    per_epoch = max(1, len(members) // size)
    epoch, turn = divmod(step, per_epoch)
    order = np.random.default_rng([seed, epoch]).permutation(np.asarray(members))
    return [int(item) for item in order[turn * size : (turn + 1) * size]], epoch


def _validation_scores(task: Task, network: Network, known: Known | None = None) -> np.ndarray:
    return metric_scores(
        network,
        task.original,
        task.attributor,
        task.metric,
        task.validation,
        task.validation.members,
        seed=task.seed,
        batch=task.batch,
        known=known,
    )[:, 0]


def _mean(scores: np.ndarray) -> float:
    return float(scores.mean()) if len(scores) else math.nan


def _content(key: str, student: Network, optimizer: torch.optim.Optimizer, state: State) -> dict[str, Any]:
    return {
        "key": key,
        "student": student.module.state_dict(),
        "optimizer": optimizer.state_dict(),
        "state": {
            "step": state.step,
            "before": state.before,
            "best": state.best,
            "history": state.history,
            "seconds": state.seconds,
        },
    }


def _outcome(task: Task, student: Network, state: State) -> Outcome:
    best = state.best
    if best is None:
        raise RuntimeError("a fine-tuning ends with a validation")
    student.module.load_state_dict(best["weights"])
    selection = Selection(
        improved=bool(best["trusted"] and best["gain"] > 0),
        before=best["before"],
        after=best["score"],
        agreement=best["agreement"],
        step=best["step"],
        seconds=state.seconds,
        history=tuple(state.history),
    )
    return Outcome(student, selection)
