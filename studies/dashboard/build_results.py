"""What a build's manifest says of its conditions and of how they were made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["control", "confirmed", "improved", "unimproved"]


@dataclass(frozen=True)
class Result:
    """A condition on the images that were held back from fine-tuning: mean scores and their paired difference."""

    metric: str
    attributor: str
    network: str
    direction: str
    images: int | None
    before: float | None
    after: float | None
    difference: float | None
    low: float | None
    high: float | None
    agreement: float | None
    verdict: Verdict


@dataclass(frozen=True)
class Facts:
    """How a bundle was made."""

    device: str
    seed: int | None
    dataset: str
    images: int | None
    splits: Sequence[tuple[str, int]]
    exported: int | None
    wanted: int | None
    dropped: Sequence[tuple[str, int]]
    versions: Sequence[tuple[str, str]]
    dataset_digest: str
    networks: Sequence[tuple[str, str]]


def results_of(manifest: Mapping[str, Any]) -> list[Result]:
    """Return a row per condition of the manifest."""
    return [_result(condition) for condition in manifest.get("conditions", [])]


def _result(condition: Mapping[str, Any]) -> Result:
    export = condition.get("export") or {}
    low, high = export.get("ci") or (None, None)
    return Result(
        metric=condition["metric"],
        attributor=condition["attributor"],
        network=condition["network"],
        direction=condition["direction"],
        images=export.get("n"),
        before=export.get("before"),
        after=export.get("after"),
        difference=export.get("difference"),
        low=low,
        high=high,
        agreement=condition.get("agreement"),
        verdict=_verdict(condition),
    )


def _verdict(condition: Mapping[str, Any]) -> Verdict:
    if condition.get("control"):
        return "control"
    if not condition.get("improved"):
        return "unimproved"
    return "confirmed" if condition.get("confirmed") else "improved"


def facts_of(manifest: Mapping[str, Any]) -> Facts | None:
    """Return how the bundle was made; None before there is one."""
    if not manifest:
        return None
    dataset = manifest.get("dataset") or {}
    splits = dataset.get("splits") or {}
    pairs = manifest.get("pairs") or {}
    return Facts(
        device=str(manifest.get("device", "")),
        seed=manifest.get("seed"),
        dataset=str(dataset.get("name", "")),
        images=dataset.get("images"),
        splits=[(name, splits[name]) for name in ("train", "validation", "export") if name in splits],
        exported=pairs.get("exported"),
        wanted=pairs.get("wanted"),
        dropped=[(reason, number) for reason, number in (pairs.get("dropped") or {}).items() if number],
        versions=list((manifest.get("versions") or {}).items()),
        dataset_digest=str(dataset.get("digest", "")),
        networks=[
            (str(network.get("name", "")), str(network.get("weights_sha256", "")))
            for network in manifest.get("networks", [])
        ],
    )
