"""Saying which image a fine-tuning cannot work with."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from attribution.attempts import SMALLER, try_alone
from attribution.conditions import Condition
from attribution.evaluation import metric_scores, plain_logits
from attribution.images import Dataset
from attribution.map_store import made_maps
from attribution.metrics import Explained, as_learnable
from attribution.networks import Network
from attribution.poisoned_images import blame
from attribution.trainers import Task
from attribution.trainers.loop import REMEDY
from attribution.trainers.steps import batch_of_step

if TYPE_CHECKING:
    from attribution.run import Run


def blame_training(error: BaseException, run: "Run", condition: Condition, done: int) -> None:
    """Raise PoisonedImageError if the `error`, which came after `done` steps, is of an image that was looked at then.

    None is where no image works alone: a metric may look at several at a time.
    """
    task = run.task(condition)
    uses_metric = condition.trainer.uses_metric
    blame_step(error, task, run.dataset, done, uses_metric=uses_metric, others=task.train.members)
    if done % task.config.validate_every == 0 or done == task.config.steps:
        store = run.original_maps(condition, "validation")

        def alone(item: int) -> None:
            # Its maps of all attributors are made together, so another condition's may be behind the error.
            made_maps(store.maker, store.attributors, task.validation, [item])
            _scored_alone(task, item)

        members = task.validation.members
        blame(error, run.dataset, task.name, members, alone, others=members)


def blame_step(
    error: BaseException,
    task: Task,
    dataset: Dataset,
    step: int,
    *,
    uses_metric: bool,
    others: Iterable[int],
) -> None:
    """Raise PoisonedImageError if an `error` is of one of the step's images; `others` as `blame` takes them."""
    items, _ = batch_of_step(task.train.members, task.config.batch, task.seed, step)
    for alone in _trained_alone(task, uses_metric).values():
        blame(error, dataset, task.name, items, alone, others=others)


def try_step_alone(task: Task, step: int, *, uses_metric: bool) -> None:
    """Do with each image of a step what the step does with all of them; one may end the process."""
    items, _ = batch_of_step(task.train.members, task.config.batch, task.seed, step)
    attributor, metric = task.attributor.name, task.metric.name
    words = {
        "answer": ("its answer", REMEDY),
        "map": (f"its map by {attributor}", f"leave {attributor} out of attributors, or {SMALLER}"),
        "loss": (f"its loss by {metric}", f"leave {metric} out of metrics, or {SMALLER}"),
    }
    for part, alone in _trained_alone(task, uses_metric).items():
        try_alone(*words[part], task.train, items, alone)


def _trained_alone(task: Task, uses_metric: bool) -> dict[str, Callable[[int], object]]:
    """What a step does with an image of the training split, each for one image: answer, map and loss."""
    student = task.original.copy()
    alone: dict[str, Callable[[int], object]] = {"answer": lambda item: student.logits(task.train.images([item]))}
    if uses_metric:
        alone["map"] = partial(_map_alone, task, student)
        # What the metric shows of an image may have others in it, so that this comes last.
        alone["loss"] = partial(_loss_alone, task, student)
    return alone


def _map_alone(task: Task, student: Network, item: int) -> None:
    made = task.attributor(student, task.train.images([item]), task.train.classes([item]), create_graph=True)
    for what, numbers in (("answer", made.logits), ("map", made.maps)):
        if not bool(numbers.isfinite().all()):
            raise FloatingPointError(f"its {what} is not finite")


def _loss_alone(task: Task, student: Network, item: int) -> None:
    probe = task.metric.probe(
        task.train, [item], seed=task.seed, turn=1, original_logits=partial(plain_logits, task.original)
    )
    made = task.attributor(student, probe.inputs, probe.targets, create_graph=True)
    as_learnable(task.metric).loss(Explained(student, task.attributor, probe, made.maps, made.logits))


def _scored_alone(task: Task, item: int) -> None:
    metric_scores(
        task.original, task.original, task.attributor, task.metric, task.validation, [item], seed=task.seed, batch=1
    )
