"""What a run config asks for, in numbers, before anything of it is done."""

import posixpath
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
    """What would be built.

    `sources` are the paths of the data set by their keys, as they stand in the config; `outside` are the paths that no
    worker takes from a config that came over the network, since they lead elsewhere on every machine.
    """

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
    outside: Sequence[str]

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
    sources = [(key, str(path)) for key, path in found if path is not None]
    files = [network.spec.removeprefix("file:") for network in config.networks if network.spec.startswith("file:")]
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
        sources=sources,
        outside=[path for path in [*(path for _, path in sources), *files] if _leads_outside(path)],
    )


def _leads_outside(path: str) -> bool:
    """Whether the path leads out of any folder, or depends on a machine's variables."""
    return "$" in path or path.startswith("~") or posixpath.normpath(path).split("/")[0] == ".."
