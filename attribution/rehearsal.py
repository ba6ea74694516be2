"""One batch through training and scoring of every condition: what cannot work fails before hours of work."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from attribution.conditions import Condition
from attribution.errors import InputError
from attribution.evaluation import metric_scores, plain_logits
from attribution.metrics import Explained, as_learnable
from attribution.networks import Network
from attribution.poisoned_images import BLAMED, blame
from attribution.progress import Progress
from attribution.trainers import Task
from attribution.trainers.steps import batch_of_step

if TYPE_CHECKING:
    from attribution.run import Run


def rehearse(run: "Run", progress: Progress, finished: Callable[[Condition], bool] | None = None) -> None:
    """One batch through training and scoring of each condition that is still to come: what cannot work fails now.

    `finished` says which conditions are not to come any more; without it, their checkpoints do. InputError for options
    that do not work, PoisonedImageError for an image that a method cannot work with.
    """
    if finished is None:

        def finished(condition: Condition) -> bool:
            return run.checkpoint(condition).is_file()

    tried = []
    for number, condition in enumerate(run.conditions, start=1):
        if not finished(condition):
            _rehearse_training(run, condition)
            scoring = (condition.network_name, condition.attributor, condition.metric)
            if scoring not in tried:
                _rehearse_scoring(run, condition)
                tried.append(scoring)
        progress("trying every condition", number, len(run.conditions))


def _rehearse_training(run: "Run", condition: Condition) -> None:
    task = run.task(condition)
    try:
        condition.trainer.rehearse(task)
    except BLAMED as error:
        items, _ = batch_of_step(task.train.members, task.config.batch, task.seed, 0)
        for alone in training_alone(task, condition.trainer.uses_metric):
            blame(error, run.dataset, condition.name, items, alone, others=task.train.members)
        if isinstance(error, InputError):
            raise InputError(f"{run.where}: {condition.name}: {error}") from error
        raise


def training_alone(task: Task, uses_metric: bool) -> Iterator[Callable[[int], object]]:
    """What a fine-tuning does with an image of the training split, each for one image: answer, map and loss."""
    student = task.original.copy()
    yield lambda item: student.logits(task.train.images([item]))
    if uses_metric:
        yield partial(_map_alone, task, student)
        # What the metric shows of an image may have others in it, so that this comes last.
        yield partial(_loss_alone, task, student)


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


def _rehearse_scoring(run: "Run", condition: Condition) -> None:
    """The original's scores of one batch, in all draws. InputError for options that the metric cannot work with."""
    original = run.original(condition)
    export = original.splits["export"]

    def score(items: Sequence[int]) -> None:
        metric_scores(
            original.network,
            original.network,
            condition.attributor,
            condition.metric,
            export,
            items,
            seed=run.config.seed,
            batch=run.config.batch,
            draws=condition.metric.draws,
            own=True,
        )

    items = export.members[: run.config.batch]
    try:
        score(items)
    except BLAMED as error:
        if isinstance(error, InputError):
            raise
        blame(error, run.dataset, condition.name, items, lambda item: score([item]), others=export.members)
        if not isinstance(error, (TypeError, ValueError)):
            raise
        raise InputError(
            f"{run.where}: {condition.name}: {condition.metric.name} cannot score the first images: {error}: "
            "change its options"
        ) from error
