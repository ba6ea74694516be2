"""The loop that all fine-tunings share: step, validate, keep the checkpoint, and go on after an interruption.

A trainer says what is its own in a `Plan`. Every step is a function of the task, the plan and the step's number alone,
so a run that was interrupted anywhere goes on from its last validation to the same weights.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from attribution.attempts import names_of
from attribution.errors import InputError
from attribution.last_words import trying
from attribution.networks import Network
from attribution.trainers.base import Outcome, Report, Task
from attribution.trainers.checkpoints import load_checkpoint, save_checkpoint
from attribution.trainers.remembering import remembering
from attribution.trainers.selection import Rank, State, best_on_the_metric, keep, measure, outcome, validation_scores
from attribution.trainers.steps import batch_of_step

REMEDY = "leave the condition out, or try a smaller training.batch or preprocessing.size"


@dataclass(frozen=True)
class StepLoss:
    """What a step descends on, and the parts of it that the history names."""

    total: Tensor
    parts: dict[str, Tensor]


def trainable(network: Network) -> list[nn.Parameter]:
    """The parameters that ask for gradients. InputError if there are none."""
    found = [parameter for parameter in network.module.parameters() if parameter.requires_grad]
    if not found:
        raise InputError(f"network {network.name}: no parameter asks for a gradient: there is nothing to fine-tune")
    return found


def as_it_is(_student: Network) -> None:
    """Begin from the original's own weights."""


@dataclass(frozen=True)
class Plan:
    """What is a trainer's own: the loss of a step (counted from 0) on the student, and what surrounds it.

    `trained` names the parameters that change; `begin` makes the student of a copy of the original; `rank` says which
    checkpoint comes back. With 0 `steps` the student is validated as it begins.
    """

    loss: Callable[[Network, int], StepLoss]
    learning_rate: float
    steps: int
    trained: Callable[[Network], list[nn.Parameter]] = trainable
    begin: Callable[[Network], None] = as_it_is
    rank: Rank = best_on_the_metric


def rehearse(task: Task, plan: Plan) -> None:
    """One step forward and backward on a copy. InputError if loss or gradient is not finite."""
    student = task.original.copy()
    plan.begin(student)
    if plan.steps:
        checked_gradients(task, plan, student, plan.trained(student), 0)


def fine_tune(task: Task, plan: Plan, checkpoint: Path, key: str, report: Report) -> Outcome:
    """Adam without weight decay on the plan's loss, from `checkpoint` if it is there, and the checkpoint selected.

    InputError that names condition and step where loss, gradient or weights stop being finite; what was validated until
    then stays in `checkpoint`.
    """
    student, asked = task.original.copy(), remembering(task.original)
    plan.begin(student)
    trained = plan.trained(student) if plan.steps else []
    content = load_checkpoint(checkpoint, key)
    state = None if content is None else _restored(content, student)
    if state is not None and _is_finished(state, plan):
        # Without an optimizer: the first one of a process loads torch's compiler, which takes a second.
        return outcome(student, state)
    optimizer = torch.optim.Adam(trained, lr=plan.learning_rate, weight_decay=0, fused=True) if trained else None
    # A finished one may have been left without (`slim_checkpoint`).
    if optimizer is not None and content is not None and content["optimizer"] is not None:
        optimizer.load_state_dict(content["optimizer"])
    if state is None:
        state = State(before=torch.from_numpy(validation_scores(task, asked, task.original, task.known)))
    started = time.monotonic() - state.seconds
    while not _is_finished(state, plan):
        parts: dict[str, float] = {}
        if optimizer is not None:
            parts = take_step(task, plan, student, trained, optimizer, state.step)
            state.step += 1
            report({"step": state.step, **parts})
        if state.step % task.config.validate_every == 0 or state.step == plan.steps:
            _check_weights(task, trained, state.step)
            measured = measure(task, asked, student, state.before.numpy(), state.step)
            keep(state, measured, student, plan.rank)
            state.history.append(
                {
                    "step": measured.step,
                    "validation": measured.score,
                    "gain": measured.gain,
                    "agreement": measured.agreement,
                    "undefined": measured.undefined,
                    **parts,
                }
            )
            state.seconds = time.monotonic() - started
            report(state.history[-1])
            save_checkpoint(
                checkpoint,
                {
                    "key": key,
                    "student": student.module.state_dict(),
                    "optimizer": None if optimizer is None else optimizer.state_dict(),
                    "state": dict(vars(state)),
                },
            )
    return outcome(student, state)


def take_step(
    task: Task,
    plan: Plan,
    student: Network,
    trained: list[nn.Parameter],
    optimizer: torch.optim.Optimizer,
    step: int,
) -> dict[str, float]:
    """One step of the optimizer; returns the parts of its loss."""
    loss, found, norm = checked_gradients(task, plan, student, trained, step)
    for parameter, gradient in zip(trained, found, strict=True):
        # A copy that lies in memory as the parameter does: the fused optimizer goes through both side by side, whatever
        # their strides, and clipping must not meet a tensor that two parameters share.
        parameter.grad = None if gradient is None else torch.empty_like(parameter).copy_(gradient)
    if task.config.gradient_clip:
        torch.nn.utils.clip_grads_with_norm_(trained, task.config.gradient_clip, norm)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return {name: float(part.detach()) for name, part in loss.parts.items()}


def checked_gradients(
    task: Task, plan: Plan, student: Network, trained: list[nn.Parameter], step: int
) -> tuple[StepLoss, tuple[Tensor | None, ...], Tensor]:
    """The loss of a step (from 0), its gradient and that one's norm. InputError if one of them is not finite."""

    def images() -> list[str]:
        return names_of(task.train, batch_of_step(task.train.members, task.config.batch, task.seed, step)[0])

    with trying(f"step {step + 1} of fine-tuning", REMEDY, images):
        loss = plan.loss(student, step)
        found = gradients(loss.total, trained)
    norm = torch.nn.utils.get_total_norm([gradient for gradient in found if gradient is not None])
    # Asked together, so that a GPU is waited for once.
    if not bool(loss.total.isfinite() & norm.isfinite()):
        what = "gradient" if bool(loss.total.isfinite()) else "loss"
        raise _diverged(task, step + 1, f"the {what} is not finite")
    return loss, found, norm


def _check_weights(task: Task, trained: list[nn.Parameter], step: int) -> None:
    if not all(bool(parameter.isfinite().all()) for parameter in trained):
        raise _diverged(task, step, "the weights are not finite")


def _diverged(task: Task, step: int, problem: str) -> InputError:
    name = task.name or f"{task.metric.name} x {task.attributor.name}"
    return InputError(
        f"{name}: step {step}: {problem}: lower training.learning_rate or training.weight of it, or drop it "
        "(finished conditions stay: go on with --resume)"
    )


def gradients(loss: Tensor, trained: list[nn.Parameter]) -> tuple[Tensor | None, ...]:
    """The loss's gradient for these parameters and no others; None for one that it does not depend on."""
    return torch.autograd.grad(loss, trained, allow_unused=True)


def _restored(content: dict[str, Any], student: Network) -> State:
    """How far a checkpoint is; its weights go into the student."""
    student.module.load_state_dict(content["student"])
    return State(**content["state"])


def _is_finished(state: State, plan: Plan) -> bool:
    return state.step >= plan.steps and state.best is not None
