"""Which attributors work on the networks of a study, before any data is looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from attribution.attributors import ATTRIBUTORS, Attributor, check
from attribution.conditions import made
from attribution.config import RunConfig, read_config
from attribution.errors import InputError
from attribution.networks import load_network
from attribution.progress import Progress
from attribution.registries import method


@dataclass(frozen=True)
class StudyCheck:
    """For every network of a study, every attributor: None if it works, else the reason why not.

    `asked` are the attributors that the study itself names, with its options; the others have their defaults.
    """

    where: str
    reasons: Mapping[str, Mapping[str, str | None]]
    asked: tuple[str, ...]

    def table(self) -> str:
        """Attributors (rows) by networks (columns): "yes", or the number of a reason that is given below."""
        numbered: list[str] = []
        rows = [["attributor", *self.reasons]]
        for attributor in next(iter(self.reasons.values())):
            row = [f"{attributor} *" if attributor in self.asked else attributor]
            for of_network in self.reasons.values():
                reason = of_network[attributor]
                if reason is not None and reason not in numbered:
                    numbered.append(reason)
                row.append("yes" if reason is None else f"no [{numbered.index(reason) + 1}]")
            rows.append(row)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        lines.insert(1, "-" * max(map(len, lines)))
        lines.append("* in the study")
        return "\n".join(lines + [f"[{number}] {reason}" for number, reason in enumerate(numbered, start=1)])

    def raise_if_refused(self) -> None:
        """InputError if an attributor that the study names does not work on one of its networks."""
        for network, reasons in self.reasons.items():
            for attributor in self.asked:
                if reasons[attributor] is not None:
                    raise InputError(
                        f"{self.where}: attributors: {attributor} does not work on network {network}: "
                        "take another attributor or network"
                    )


def check_study(path: Path, progress: Progress) -> StudyCheck:
    """Try every registered attributor, and those of the study with its options, on every network of the study.

    On the CPU. InputError with file, key and remedy for a config or network that cannot be used.
    """
    config = read_config(path)
    asked = _asked(config, path)
    attributors = {name: kind() for name, kind in ATTRIBUTORS.items()} | asked
    reasons: dict[str, dict[str, str | None]] = {}
    for index, entry in enumerate(config.networks):
        at = f"{path}: network" if len(config.networks) == 1 else f"{path}: networks[{index}]"
        network = load_network(entry, at)
        reasons[entry.name] = {}
        for name, attributor in attributors.items():
            reasons[entry.name] |= check(network, {name: attributor})
            progress(f"trying attributors on {entry.name}", len(reasons[entry.name]), len(attributors))
    return StudyCheck(str(path), reasons, tuple(asked))


def _asked(config: RunConfig, path: Path) -> dict[str, Attributor]:
    asked = {}
    for index, chosen in enumerate(config.attributors):
        at = f"{path}: attributors[{index}]"
        kind = method(ATTRIBUTORS, chosen.name, f"{at}.name", "attributor", protocol=Attributor, folder=path.parent)
        asked[chosen.display] = made(kind, chosen.options, at)
    return asked
