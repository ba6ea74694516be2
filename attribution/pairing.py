"""Before and after, image by image: the original and the finetuned map, both scores and both answers."""

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from attribution.bundle import BundleWriter, ConditionRecord, ImageRecord, PairRecord, StudyRecord
from attribution.errors import InputError
from attribution.evaluation import chunks
from attribution.networks import Network, frozen
from attribution.progress import Progress
from attribution.rendering import encode_png, render_image, render_pair
from attribution.run import Condition, Run
from attribution.scoring import Scored, summary

PACKAGES = ("torch", "torchvision", "numpy", "pillow")


@dataclass(frozen=True)
class Selection:
    """The images of the study, and why the others of the export split are not among them."""

    items: tuple[int, ...]
    dropped: dict[str, int]


def choose_images(run: Run, exported: Sequence[Scored]) -> Selection:
    """The first images of the export split that the original and every finetuned network classify correctly.

    All conditions show the same images, so that conditions compare within images. InputError if nothing is left.
    """
    if not exported:
        raise InputError(
            f"{run.where}: no condition improved its metric, so there is nothing to export: "
            "change the training settings, or set export_unimproved = true"
        )
    members = np.asarray(run.splits["export"].members)
    targets = run.splits["export"].targets[members]
    kept = run.original.predictions[members] == targets
    dropped = {"original network wrong": int((~kept).sum())}
    for scored in exported:
        right = scored.finetuned.predictions == targets
        dropped[f"{scored.condition.name} wrong"] = int((kept & ~right).sum())
        kept &= right
    items = tuple(int(item) for item in members[kept][: run.config.pairs])
    dropped["more than wanted"] = int(kept.sum()) - len(items)
    if not items:
        raise InputError(f"{run.where}: no export image is classified correctly by all networks: add images")
    return Selection(items, dropped)


def write_pairs(
    run: Run,
    everything: Sequence[Scored],
    exported: Sequence[Scored],
    finetuned: Callable[[Condition], Network],
    selection: Selection,
    progress: Progress,
) -> Path:
    """The bundle of the exported conditions; the manifest also names the others. Returns its folder."""
    writer = BundleWriter(run.out / "bundle", _study(run))
    decoded = run.decoded.images
    for item in selection.items:
        sample = run.dataset.samples[item]
        picture = writer.add_picture(encode_png(render_image(decoded[item])))
        writer.add_image(ImageRecord(sample.name, picture, sample.label))
    originals: dict[str, np.ndarray] = {}
    for scored in exported:
        condition = scored.condition
        if condition.attributor_name not in originals:
            originals[condition.attributor_name] = _maps_on_disk(run, condition, selection, progress)
        record = _condition(run, scored)
        writer.add_condition(record)
        pairs = _pairs(run, scored, finetuned(condition), originals[condition.attributor_name], selection)
        for number, (item, before, after) in enumerate(pairs, start=1):
            pictures = render_pair(
                before, after, decoded[item], style=run.config.rendering.style, scale=run.config.rendering.scale
            )
            digests = [writer.add_picture(encode_png(picture)) for picture in pictures]
            writer.add_pair(_pair(run, scored, record, item, digests))
            progress(f"{condition.name}: pairs", number, len(selection.items))
    return writer.finish(_manifest(run, everything, selection))


def _maps(run: Run, network: Network, condition: Condition, items: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Maps float32 [H, W] of the plain images for their own classes."""
    export = run.splits["export"]
    with frozen(network):
        for chunk in chunks(items, run.config.batch):
            maps = condition.attributor(network, export.images(chunk), export.classes(chunk)).maps
            yield from zip(chunk, maps.float().cpu().numpy(), strict=True)


def _maps_on_disk(run: Run, condition: Condition, selection: Selection, progress: Progress) -> np.ndarray:
    """The original maps of an attributor [pairs, H, W], made once for all its conditions and memory-mapped."""
    path = run.out / "cache" / f"original-{condition.attributor_name}.npy"
    size = run.network.preprocessing.size
    stored = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(len(selection.items), size, size))
    for number, (_item, made) in enumerate(_maps(run, run.network, condition, selection.items)):
        stored[number] = made
        progress(f"{condition.attributor_name}: original maps", number + 1, len(selection.items))
    return stored


def _pairs(
    run: Run, scored: Scored, network: Network, originals: np.ndarray, selection: Selection
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    after = _maps(run, network, scored.condition, selection.items)
    for original, (item, finetuned) in zip(originals, after, strict=True):
        yield item, original, finetuned


def _study(run: Run) -> StudyRecord:
    config, protocol = run.config, run.config.protocol
    return StudyRecord(
        slug=config.name,
        title=config.title,
        question=protocol.question,
        seed=config.seed,
        annotators_per_trial=protocol.annotators_per_trial,
        trials_per_annotator=protocol.trials_per_annotator,
        allow_undo=protocol.allow_undo,
        offer_neither=protocol.offer_neither,
    )


def _condition(run: Run, scored: Scored) -> ConditionRecord:
    entry = summary(run, scored)
    return ConditionRecord(
        dataset=run.config.dataset.name,
        metric=scored.condition.metric_config.display,
        network=run.config.network.name,
        attributor=scored.condition.attributor_name,
        direction=scored.condition.metric.direction,
        improved=scored.selection.improved,
        summary=entry,
    )


def _pair(run: Run, scored: Scored, record: ConditionRecord, item: int, digests: Sequence[str]) -> PairRecord:
    export = run.splits["export"]
    place = export.members.index(item)
    return PairRecord(
        condition=record.key,
        image=run.dataset.samples[item].name,
        original=digests[0],
        finetuned=digests[1],
        score_original=_defined(scored.before[place]),
        score_finetuned=_defined(scored.after[place]),
        target=run.label(int(export.targets[item])),
        prediction_original=run.label(int(run.original.predictions[item])),
        prediction_finetuned=run.label(int(scored.finetuned.predictions[place])),
        confidence_original=float(run.original.confidences[item]),
        confidence_finetuned=float(scored.finetuned.confidences[place]),
    )


def _within(run: Run, problem: str) -> str:
    """A problem's text with file names as they are within the data set."""
    for folder in (run.config.dataset.images, run.config.dataset.masks):
        problem = problem.replace(f"{folder}/", "")
    return problem


def _defined(score: float) -> float | None:
    return None if np.isnan(score) else float(score)


def _manifest(run: Run, everything: Sequence[Scored], selection: Selection) -> dict[str, object]:
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "config": run.config.as_json(),
        "seed": run.config.seed,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "device": str(run.device),
        "network": {
            "name": run.network.name,
            "spec": run.config.as_json()["network"]["spec"],
            "weights_sha256": run.network.weights_digest(),
            "threads": torch.get_num_threads(),
        },
        "dataset": {
            "name": run.dataset.name,
            "digest": run.dataset.digest,
            "images": len(run.dataset.samples),
            "splits": {name: len(view.members) for name, view in run.splits.items()},
            "unreadable": [_within(run, problem) for problem in (*run.dataset.unreadable, *run.decoded.unreadable)],
            "empty_masks": list(run.decoded.empty_masks),
        },
        "pairs": {"wanted": run.config.pairs, "exported": len(selection.items), "dropped": selection.dropped},
        "conditions": [
            {**summary(run, scored), "seconds": round(scored.selection.seconds, 1)} for scored in everything
        ],
    }
