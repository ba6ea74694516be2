"""How long a run would take here, from one training step and one scored batch of every condition, and what room."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from attribution.conditions import Condition
from attribution.evaluation import metric_scores
from attribution.progress import Progress, silent
from attribution.room import Room, room_of, told
from attribution.run import Run, look_at
from attribution.workspace import held


@dataclass(frozen=True)
class Cost:
    """What a condition costs on this machine, in seconds, and what that comes to for its whole fine-tuning.

    `step` is one training step, `score` one image scored on one draw by one network. `steps` are training steps,
    `scored` the scores of all validations and of both networks on the export split.
    """

    condition: str
    step: float
    steps: int
    score: float
    scored: int

    @property
    def total(self) -> float:
        return self.step * self.steps + self.score * self.scored


@dataclass(frozen=True)
class Estimate:
    """What every condition of a run costs, and what all of it takes of disks."""

    costs: tuple[Cost, ...]
    room: Room


def estimate(config: Path, out: Path, *, device: str = "auto", progress: Progress = silent) -> Estimate:
    """The cost of every condition. Writes nothing to `out` but decoded images; InputError as a build would raise."""
    with held(out):
        run = look_at(config, out, device=device, progress=progress)
        costs = []
        for number, condition in enumerate(run.conditions, start=1):
            costs.append(_cost(run, condition))
            progress("timing every condition", number, len(run.conditions))
        networks = [original.network for original in run.originals.values()]
        return Estimate(tuple(costs), room_of(run.config, run.dataset, networks, run.conditions))


def estimate_table(estimate: Estimate) -> str:
    """One line per condition, the sum, and the disks."""
    costs = estimate.costs
    width = max(len(cost.condition) for cost in costs)
    lines = [f"{'condition'.ljust(width)}  s/step  steps  ms/score  scores  minutes"]
    lines.append("-" * len(lines[0]))
    lines += [
        f"{cost.condition.ljust(width)}  {cost.step:6.2f}  {cost.steps:5d}  {1000 * cost.score:8.1f}  {cost.scored:6d}"
        f"  {cost.total / 60:7.1f}"
        for cost in costs
    ]
    minutes = sum(cost.total for cost in costs) / 60
    lines.append(f"all conditions: {minutes:.1f} minutes on this machine ({minutes / 60:.1f} hours)")
    lines.append(f"on the disk, at most: {_listed(estimate.room.alone)}")
    lines.append(f"as a build, in a worker's scratch folder: {_listed(estimate.room.scratch)}")
    lines.append(f"as a build, in the shared storage: {_listed(estimate.room.shared)}")
    return "\n".join(lines)


def _listed(parts: Mapping[str, int]) -> str:
    return f"{told(sum(parts.values()))} ({', '.join(f'{name} {told(size)}' for name, size in parts.items())})"


def _cost(run: Run, condition: Condition) -> Cost:
    original, training = run.original(condition), condition.training
    export, validation = (original.splits[name].members for name in ("export", "validation"))
    batch = list(export[: run.config.batch])
    scoring = _seconds(
        run.device,
        lambda: metric_scores(
            original.network,
            original.network,
            condition.attributor,
            condition.metric,
            original.splits["export"],
            batch,
            seed=run.config.seed,
            batch=run.config.batch,
        ),
    )
    validations = -(-training.steps // training.validate_every) + 1
    draws = condition.metric.draws
    return Cost(
        condition=condition.name,
        step=_seconds(run.device, lambda: condition.trainer.rehearse(run.task(condition))),
        steps=training.steps,
        score=scoring / len(batch),
        scored=validations * len(validation) + 2 * draws * len(export),
    )


def _seconds(device: torch.device, work: Callable[[], object]) -> float:
    """Time of a second call: the first one also warms up."""
    work()
    _wait(device)
    started = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
