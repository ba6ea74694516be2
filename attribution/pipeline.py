"""The whole path: for each condition fine-tune, explain before and after, score, render, bundle."""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from attribution.conditions import Condition
from attribution.pairing import Selection, choose_images, draw_pairs, write_pairs
from attribution.progress import Progress, silent
from attribution.run import Run, prepare
from attribution.scoring import Scored, score_condition, summary
from attribution.table import result_table
from attribution.trainers import Outcome
from attribution.workspace import held

logger = logging.getLogger(__name__)


def build(config: Path, out: Path, *, resume: bool = False, device: str = "auto", progress: Progress = silent) -> Path:
    """From a config to a bundle; returns the bundle's folder.

    `out` keeps what is finished, so that after an interruption ``resume=True`` goes on from there to the same result.
    Raises InputError, with file, key and remedy, before any training.
    """
    with held(out):
        run = prepare(config, out, resume=resume, device=device, progress=progress)
        return _bundle(run, progress)


def finetune(
    config: Path, out: Path, *, resume: bool = False, device: str = "auto", progress: Progress = silent
) -> None:
    """Fine-tune every condition and keep the checkpoints in `out`."""
    with held(out):
        run = prepare(config, out, resume=resume, device=device, progress=progress)
        for condition in run.conditions:
            finetune_condition(run, condition, progress)


def score(config: Path, out: Path, *, device: str = "auto", progress: Progress = silent) -> str:
    """The result table of the export split, from the checkpoints in `out` (and what they lack)."""
    with held(out):
        run = prepare(config, out, resume=True, device=device, progress=progress)
        return result_table([_entry(run, scored) for scored in _scored(run, progress)])


def export(config: Path, out: Path, *, device: str = "auto", progress: Progress = silent) -> Path:
    """Pairs and bundle from the checkpoints in `out` (and what they lack)."""
    with held(out):
        run = prepare(config, out, resume=True, device=device, progress=progress)
        return _bundle(run, progress)


def table_of(bundle: Path) -> str:
    """The result table of a bundle, and how many pairs it holds."""
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    pairs = manifest["pairs"]
    dropped = ", ".join(f"{reason}: {count}" for reason, count in pairs["dropped"].items() if count) or "none"
    classes, images = manifest["conditions"][0]["classes"], manifest["dataset"]["splits"]["export"]
    return (
        f"{result_table(manifest['conditions'])}\n"
        f"measured on the {images} images of the export split; the network chooses among {classes} classes\n"
        f"{pairs['exported']} of {pairs['wanted']} images exported; export images left out - {dropped}"
    )


def finetune_condition(run: Run, condition: Condition, progress: Progress) -> Outcome:
    """The condition's selected network; a finished fine-tuning is read from its checkpoint."""
    return trained(run, condition, run.checkpoint(condition), progress)


def trained(run: Run, condition: Condition, checkpoint: Path, progress: Progress) -> Outcome:
    """The condition's selected network, from what `checkpoint` holds; one that is finished is only read."""
    what = f"{condition.name}: fine-tuning"

    def report(event: dict[str, float]) -> None:
        progress(what, int(event["step"]), condition.training.steps)
        if "validation" in event:
            logger.info(
                "%s: step %d, %s %.3f (%+.3f), agreement %.3f",
                condition.name,
                event["step"],
                condition.metric.name,
                event["validation"],
                event["gain"],
                event["agreement"],
            )

    return condition.trainer(run.task(condition), checkpoint, run.condition_key(condition), report)


def exported_ones(run: Run, everything: Sequence[Scored]) -> list[Scored]:
    """The conditions that the study shows; says why others are left out."""
    for scored in everything:
        if not scored.selection.improved and not scored.condition.trainer.control:
            fate = "exported all the same" if run.config.export_unimproved else "not exported"
            logger.warning("%s: fine-tuning did not improve the metric; %s", scored.condition.name, fate)
    exported = [
        scored
        for scored in everything
        if scored.selection.improved or scored.condition.trainer.control or run.config.export_unimproved
    ]
    if not exported:
        logger.warning("%s", result_table([_entry(run, scored) for scored in everything]))
    return exported


def chosen_images(run: Run, exported: Sequence[Scored]) -> Selection:
    """The images of the study; says so if they are fewer than wanted."""
    selection = choose_images(run, exported)
    if len(selection.items) < run.config.pairs:
        logger.warning("only %d of %d wanted images are left to export", len(selection.items), run.config.pairs)
    return selection


def _scored(run: Run, progress: Progress) -> Iterator[Scored]:
    for condition in run.conditions:
        outcome = finetune_condition(run, condition, progress)
        yield score_condition(run, condition, outcome, progress)


def _entry(run: Run, scored: Scored) -> dict[str, object]:
    return {**summary(run, scored), "seconds": round(scored.selection.seconds, 1)}


def _bundle(run: Run, progress: Progress) -> Path:
    everything = list(_scored(run, progress))
    exported = exported_ones(run, everything)
    selection = chosen_images(run, exported)

    def drawn(scored: Scored, items: Sequence[int]) -> Iterator[tuple[int, list[bytes]]]:
        condition = scored.condition
        network = finetune_condition(run, condition, silent).network
        store = run.finetuned_maps(condition, network, scored.weights_digest)
        yield from draw_pairs(run, condition, (run.original_maps(condition, "export"), store), items)
        store.remove()

    bundle = write_pairs(run, run.out / "bundle", everything, exported, drawn, selection, progress)
    run.tidy()
    return bundle
