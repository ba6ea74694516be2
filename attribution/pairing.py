"""Before and after, image by image: the original and the finetuned map, both scores and both answers."""

import os
import platform
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from attribution.bundle import BundleWriter, ConditionRecord, ImageRecord, PairRecord, StudyRecord
from attribution.conditions import Condition
from attribution.errors import InputError
from attribution.evaluation import chunks
from attribution.map_store import Maps
from attribution.progress import Progress
from attribution.rendering import encode_png, render_image, render_pair
from attribution.run import Run
from attribution.scoring import Scored, summary

PACKAGES = ("torch", "torchvision", "numpy", "pillow")


@dataclass(frozen=True)
class Selection:
    """The images of the study, and why the others of the export split are not among them."""

    items: tuple[int, ...]
    dropped: dict[str, int]


def choose_images(run: Run, exported: Sequence[Scored]) -> Selection:
    """The first images of the export split that the original and every finetuned network classify correctly.

    Networks that are not meant to answer as the original (randomised weights) have no say in it. An image with a map
    that is not finite in any condition is left out: there is no picture of it.

    All conditions show the same images, so that conditions compare within images. InputError if nothing is left.
    """
    if not exported:
        raise InputError(
            f"{run.where}: no condition improved its metric, so there is nothing to export: "
            "change the training settings, or set export_unimproved = true"
        )
    members = np.asarray(run.export.members)
    targets = run.export.targets[members]
    kept = np.logical_and.reduce(
        [original.answers.predictions[members] == targets for original in run.originals.values()]
    )
    dropped = {"original network wrong": int((~kept).sum())}
    for scored in exported:
        if not scored.condition.trainer.faithful:
            continue
        right = scored.finetuned.predictions == targets
        dropped[f"{scored.condition.name} wrong"] = int((kept & ~right).sum())
        kept &= right
    classified = bool(kept.any())
    for scored in exported:
        lost = kept & ~scored.drawable
        if lost.any():
            dropped[f"{scored.condition.name} map not finite"] = int(lost.sum())
            kept &= scored.drawable
        if classified and not kept.any():
            raise InputError(
                f"{run.where}: {scored.condition.name}: no image is left whose maps are finite: leave this condition "
                "out, or fine-tune it with a lower learning_rate or weight"
            )
    items = tuple(int(item) for item in members[kept][: run.config.pairs])
    dropped["more than wanted"] = int(kept.sum()) - len(items)
    if not items:
        raise InputError(f"{run.where}: no export image is classified correctly by all networks: add images")
    return Selection(items, dropped)


def write_pairs(
    run: Run,
    out: Path,
    everything: Sequence[Scored],
    exported: Sequence[Scored],
    drawn: Callable[[Scored, Sequence[int]], Iterator[tuple[int, list[bytes]]]],
    selection: Selection,
    progress: Progress,
) -> Path:
    """The bundle of the exported conditions in the folder `out`; the manifest also names the others. Returns `out`.

    `drawn` gives a condition's pictures of some images: each item with the PNGs of its original and finetuned map.
    """
    writer = BundleWriter(out, _study(run))
    # Compressing leaves Python's lock alone, so pictures are made side by side.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for item, picture in _images(run, selection, pool):
            sample = run.dataset.samples[item]
            writer.add_image(ImageRecord(sample.name, writer.add_picture(picture), sample.label))
        places = {item: place for place, item in enumerate(run.export.members)}
        for scored in exported:
            record = _condition(run, scored)
            writer.add_condition(record)
            for number, (item, pictures) in enumerate(drawn(scored, selection.items), start=1):
                digests = [writer.add_picture(picture) for picture in pictures]
                writer.add_pair(_pair(run, scored, record, item, places[item], digests))
                progress(f"{scored.condition.name}: pairs", number, len(selection.items))
    return writer.finish(_manifest(run, everything, selection))


def _images(run: Run, selection: Selection, pool: ThreadPoolExecutor) -> Iterator[tuple[int, bytes]]:
    """Item and PNG of its image."""
    for chunk in chunks(selection.items, run.config.batch):
        yield from zip(
            chunk, pool.map(lambda item: encode_png(render_image(run.decoded.images[item])), chunk), strict=True
        )


def draw_pairs(
    run: Run, condition: Condition, stores: tuple[Maps, Maps], items: Sequence[int]
) -> Iterator[tuple[int, list[bytes]]]:
    """Item, and the PNGs of its original and finetuned map of the plain image for its own class.

    `stores` have the maps of the original and of the finetuned network on the export split.
    """
    rendering = run.config.rendering

    def draw(item: int, before: np.ndarray, after: np.ndarray) -> list[bytes]:
        image = run.decoded.images[item]
        pictures = render_pair(before, after, image, style=rendering.style, scale=rendering.scale)
        return [encode_png(picture) for picture in pictures]

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        # A batch at a time, so that what is held does not grow with the number of images.
        for chunk in chunks(items, run.config.batch):
            maps = [store.maps(condition.attributor_name, chunk) for store in stores]
            yield from zip(chunk, pool.map(draw, chunk, *maps), strict=True)


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
        metric=scored.condition.metric_name,
        network=scored.condition.network_name,
        attributor=scored.condition.attributor_name,
        direction=scored.condition.metric.direction,
        improved=scored.selection.improved,
        summary=entry,
    )


def _pair(
    run: Run, scored: Scored, record: ConditionRecord, item: int, place: int, digests: Sequence[str]
) -> PairRecord:
    """The pair of an image, which stands at `place` of the export split."""
    export = run.export
    answers = run.original(scored.condition).answers
    return PairRecord(
        condition=record.key,
        image=run.dataset.samples[item].name,
        original=digests[0],
        finetuned=digests[1],
        score_original=_defined(scored.before[place]),
        score_finetuned=_defined(scored.after[place]),
        target=run.label(int(export.targets[item])),
        prediction_original=run.label(int(answers.predictions[item])),
        prediction_finetuned=run.label(int(scored.finetuned.predictions[place])),
        confidence_original=float(answers.confidences[item]),
        confidence_finetuned=float(scored.finetuned.confidences[place]),
    )


def _within(run: Run, problem: str) -> str:
    """A problem's text with file names as they are within the data set."""
    listed = (value for value in vars(run.config.dataset).values() if isinstance(value, Path))
    # A folder within another one comes first.
    for path in sorted(listed, key=lambda path: len(path.parts), reverse=True):
        problem = re.sub(rf"{re.escape(str(path))}(?![\w-])", path.name, problem.replace(f"{path}/", ""))
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
        "threads": torch.get_num_threads(),
        "networks": [
            {"name": entry["name"], "spec": entry["spec"], "weights_sha256": run.originals[entry["name"]].digest}
            for entry in run.config.as_json()["networks"]
        ],
        "dataset": {
            "name": run.dataset.name,
            "digest": run.dataset.digest,
            "images": len(run.dataset.samples),
            "splits": {name: len(view.members) for name, view in next(iter(run.originals.values())).splits.items()},
            "unreadable": [_within(run, problem) for problem in (*run.dataset.unreadable, *run.decoded.unreadable)],
            "empty_masks": list(run.decoded.empty_masks),
        },
        "pairs": {"wanted": run.config.pairs, "exported": len(selection.items), "dropped": selection.dropped},
        "conditions": [
            {**summary(run, scored), "seconds": round(scored.selection.seconds, 1)} for scored in everything
        ],
    }
