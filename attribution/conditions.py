"""The cells of a study: every metric with every attributor on every network, made ready to be fine-tuned."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import TypeVar

from attribution.attributors import ATTRIBUTORS, Attributor
from attribution.config import MetricConfig, RunConfig, TrainingConfig, training_for
from attribution.config_values import Option
from attribution.errors import InputError
from attribution.identity import method_identity
from attribution.metrics import METRICS, Metric
from attribution.registries import lookup, method
from attribution.trainers import TRAINERS, Trainer

Method = TypeVar("Method")


@dataclass(frozen=True)
class Condition:
    """One cell: a metric, an attributor and a network by their display names, and how the network is changed."""

    metric_name: str
    metric: Metric
    attributor_name: str
    attributor: Attributor
    network_name: str
    trainer: Trainer
    training: TrainingConfig
    name: str  # what people read of it; names the network only where the run has several
    settings: dict[str, object]  # as JSON: all that its weights follow from, besides data and network

    @property
    def slug(self) -> str:
        """A file name that stays the same when the run is given more networks."""
        names = f"{self.metric_name}-{self.attributor_name}-{self.network_name}"
        return "".join(letter if letter.isalnum() else "-" for letter in names.lower())


def conditions(config: RunConfig, where: str, folder: Path) -> Iterator[Condition]:
    """Every condition of the run; methods of its own are found in `folder`.

    InputError with file, key and remedy for what cannot go together.
    """
    attributors = []
    for index, chosen in enumerate(config.attributors):
        at = f"{where}: attributors[{index}]"
        kind = method(ATTRIBUTORS, chosen.name, f"{at}.name", "attributor", protocol=Attributor, folder=folder)
        attributors.append((chosen, made(kind, chosen.options, at)))
    metrics = []
    for index, entry in enumerate(config.metrics):
        at = f"{where}: metrics[{index}]"
        metrics.append(
            (
                entry,
                made(
                    method(METRICS, entry.name, f"{at}.name", "metric", protocol=Metric, folder=folder),
                    entry.options,
                    at,
                ),
            )
        )
    for network in config.networks:
        for index, (entry, metric) in enumerate(metrics):
            for chosen, attributor in attributors:
                training = training_for(entry, chosen.display, where)
                at = f"{where}: metrics[{index}].training"
                kind_of_trainer = method(
                    TRAINERS, training.trainer, f"{at}.trainer", "trainer", protocol=Trainer, folder=folder
                )
                trainer = made(kind_of_trainer, training.options, at)
                _check_together(metric, attributor, trainer, at)
                several = f" x {network.name}" if len(config.networks) > 1 else ""
                yield Condition(
                    metric_name=entry.display,
                    metric=metric,
                    attributor_name=chosen.display,
                    attributor=attributor,
                    network_name=network.name,
                    trainer=trainer,
                    training=training,
                    name=f"{entry.display} x {chosen.display}{several}",
                    settings=_settings(entry, metric, attributor, trainer, training),
                )


def made(kind: type[Method], options: dict[str, Option], at: str) -> Method:
    """A method with its options; InputError for options that it does not take."""
    known = [each.name for each in fields(kind) if each.init] if is_dataclass(kind) else []
    for name in options if known else ():
        lookup(dict.fromkeys(known, name), name, f"{at}.options", f"option of {kind.__name__}")
    try:
        return kind(**options)
    except (TypeError, ValueError) as error:
        raise InputError(f"{at}.options: {kind.__name__} does not take them: {error}") from error


def _check_together(metric: Metric, attributor: Attributor, trainer: Trainer, at: str) -> None:
    if metric.direction not in ("higher", "lower"):
        raise InputError(f'{at}: {metric.name}.direction is {metric.direction!r}: say "higher" or "lower"')
    if not trainer.uses_metric:
        return
    if not metric.learnable:
        raise InputError(
            f"{at}.trainer: {trainer.name} fine-tunes on the metric, and {metric.name} is not learnable: "
            "take a trainer that does not, or another metric"
        )
    if not attributor.differentiable:
        raise InputError(
            f"{at}.trainer: {trainer.name} fine-tunes on maps, and {attributor.name} is not differentiable: "
            "take a trainer that does not, or another attributor"
        )


def _settings(
    entry: MetricConfig, metric: Metric, attributor: Attributor, trainer: Trainer, training: TrainingConfig
) -> dict[str, object]:
    return {
        "metric": [entry.name, method_identity(metric)],
        "attributor": method_identity(attributor),
        "trainer": method_identity(trainer),
        "training": asdict(training),
    }
