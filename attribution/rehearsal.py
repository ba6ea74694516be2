"""One batch through training and scoring of every condition: what cannot work fails before hours of work."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attribution.conditions import Condition
from attribution.errors import InputError
from attribution.evaluation import metric_scores
from attribution.last_words import trying
from attribution.poisoned_images import BLAMED, blame
from attribution.poisoned_training import blame_step, try_step_alone
from attribution.progress import Progress
from attribution.trainers.loop import REMEDY

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
            what = f"{condition.metric_name} x {condition.attributor_name} on {condition.network_name}"
            with trying(f"{what} (layer {run.original(condition).network.layer})"):
                _rehearse_training(run, condition)
                scoring = (condition.network_name, condition.attributor, condition.metric)
                if scoring not in tried:
                    _rehearse_scoring(run, condition)
                    tried.append(scoring)
        progress("trying every condition", number, len(run.conditions))


def _rehearse_training(run: "Run", condition: Condition) -> None:
    task = run.task(condition)
    try:
        with trying(f"fine-tuning by {condition.trainer.name}", REMEDY) as has_ended:
            if has_ended:
                try_step_alone(task, 0, uses_metric=condition.trainer.uses_metric)
            condition.trainer.rehearse(task)
    except BLAMED as error:
        blame_step(error, task, run.dataset, 0, uses_metric=condition.trainer.uses_metric, others=task.train.members)
        if isinstance(error, InputError):
            raise InputError(f"{run.where}: {condition.name}: {error}") from error
        raise


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
