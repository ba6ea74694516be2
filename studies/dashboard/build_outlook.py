"""What a run config asks for, in numbers, before anything of it is done."""

from collections.abc import Sequence
from dataclasses import dataclass

from attribution.config import RunConfig, training_for

SOURCES = ("images", "masks", "boxes", "table", "annotations", "synsets", "categories")


@dataclass(frozen=True)
class PlannedCondition:
    """A condition and the steps by which its network is fine-tuned at most."""

    metric: str
    attributor: str
    network: str
    steps: int


@dataclass(frozen=True)
class Outlook:
    """What would be built. `sources` are the paths of the data set by their keys, as they stand in the config."""

    slug: str
    title: str
    conditions: Sequence[PlannedCondition]
    metrics: int
    attributors: int
    networks: int
    pairs: int
    annotators_per_trial: int
    dataset: str
    layout: str
    sources: Sequence[tuple[str, str]]

    @property
    def trials(self) -> int:
        """At most: conditions that are not improved are left out, and images may be."""
        return self.pairs * len(self.conditions)

    @property
    def answers(self) -> int:
        return self.trials * self.annotators_per_trial


def outlook_of(config: RunConfig, where: str) -> Outlook:
    """Return what the config asks for; `where` names it in errors."""
    conditions = [
        PlannedCondition(
            metric.display,
            attributor.display,
            network.name,
            training_for(metric, attributor.display, where).steps,
        )
        for network in config.networks
        for metric in config.metrics
        for attributor in config.attributors
    ]
    found = ((key, getattr(config.dataset, key)) for key in SOURCES)
    return Outlook(
        slug=config.name,
        title=config.title,
        conditions=conditions,
        metrics=len(config.metrics),
        attributors=len(config.attributors),
        networks=len(config.networks),
        pairs=config.pairs,
        annotators_per_trial=config.protocol.annotators_per_trial,
        dataset=config.dataset.name,
        layout=config.dataset.layout,
        sources=[(key, str(path)) for key, path in found if path is not None],
    )
