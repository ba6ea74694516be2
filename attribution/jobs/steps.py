"""The steps of a build. Each is given what its message says, and leaves its output in the storage, last and whole."""

import json
import logging
import math
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import fields
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np

from attribution.conditions import Condition
from attribution.errors import InputError
from attribution.jobs.chunk_files import EPOCH, ChunkFiles, DamagedChunkError, chunk_file
from attribution.jobs.workshop import Made, Workbench, Workshop, file_digest
from attribution.map_store import Maps, PassingMaps, made_maps
from attribution.pairing import draw_pairs, write_pairs
from attribution.pipeline import chosen_images, exported_ones, trained
from attribution.poisoned_images import BLAMED, blame
from attribution.poisoned_training import blame_training
from attribution.progress import Progress
from attribution.rehearsal import rehearse
from attribution.scoring import Scored, score_members, scored, work_of
from attribution.trainers import Selection
from attribution.trainers.checkpoints import is_whole, slim_checkpoint

logger = logging.getLogger(__name__)

KEEP_SECONDS = 20.0
"""How often at most an unfinished fine-tuning is put into the storage, from where others can go on with it."""


def plan(shop: Workshop, build: str, output: str, progress: Progress) -> None:
    """Read and check all that the build needs, try every condition, and say which steps it takes."""
    started = time.monotonic()
    bench = shop.bench(build, progress)
    run = bench.run
    finished = {condition.slug for condition in run.conditions if bench.is_finetuned(condition)}
    rehearse(run, progress, finished=lambda condition: condition.slug in finished)
    members = len(run.export.members)
    conditions = []
    for condition in run.conditions:
        finetuned = f"{bench.finetuned_name(condition)}.json"
        arguments = {"condition": condition.slug}
        step = {"step": f"finetune:{condition.slug}", "output": finetuned, "arguments": arguments}
        conditions.append({"name": condition.name, "finetune": step, "steps": condition.training.steps})
    size = bench.chunk_images(run.conditions[0])
    _write_json(
        shop,
        output,
        {
            "run": bench.place.removeprefix("runs/"),
            "device": str(run.device),
            "conditions": conditions,
            "images": members,
            "pairs": run.config.pairs,
            "chunk_images": size,
            "chunks": -(-members // size),
            "dataset": {"name": run.dataset.name, "images": len(run.dataset.samples), "digest": run.dataset.digest},
            "seconds": round(time.monotonic() - started, 3),
        },
    )


def finetune(shop: Workshop, build: str, output: str, progress: Progress, *, condition: str) -> None:
    """Fine-tune a condition, from where an interrupted one has stopped, and say which chunks it is scored in."""

    def fits(bench: Workbench) -> bool:
        return f"{bench.finetuned_name(bench.condition(condition))}.json" == output

    bench = shop.bench(build, progress, fits=fits)
    cell = bench.condition(condition)
    name = output.removesuffix(".json")
    if not shop.storage.exists(f"{name}.pt"):
        _train(bench, cell, name, progress)
    else:
        # What lies here may be of an earlier one.
        bench.forget(cell)
    made = bench.made(cell)
    selection = made.outcome.selection
    size, members = bench.chunk_images(cell), len(bench.run.export.members)
    chunks = []
    for number, start in enumerate(range(0, members, size), start=1):
        stop = min(start + size, members)
        arguments = {"condition": condition, "start": start, "stop": stop, "weights": made.weights}
        chunks.append(
            {
                "step": f"chunk:{condition}:{number:04d}",
                "output": bench.chunk_name(cell, made.weights, start, stop),
                "images": stop - start,
                "arguments": arguments,
            }
        )
    plain = {each.name: _plain(getattr(selection, each.name)) for each in fields(selection) if each.name != "history"}
    _write_json(shop, output, {"condition": cell.name, "weights": made.weights, **plain, "chunks": chunks})


def _train(bench: Workbench, condition: Condition, name: str, progress: Progress) -> None:
    storage, partial = bench.storage, f"{name}.partial.pt"
    own = bench.training / f"{Path(name).name}.pt"
    own.parent.mkdir(parents=True, exist_ok=True)
    if not own.is_file() and storage.exists(partial):
        storage.download(partial, own)
    if own.is_file() and not is_whole(own):
        logger.warning("%s: what there is of its fine-tuning is damaged, and begun anew", condition.name)
        own.unlink()
    kept: tuple[int, float] = (_changed(own), -math.inf)
    trained_steps = 0

    def told(what: str, done: int, total: int) -> None:
        nonlocal kept, trained_steps
        trained_steps = done
        if _changed(own) != kept[0] and time.monotonic() - kept[1] >= KEEP_SECONDS:
            kept = (_changed(own), time.monotonic())
            try:
                storage.upload(own, partial)
            except OSError as error:
                # It is for others to go on from; this process has its own.
                logger.warning("%s: the storage cannot be written, going on without: %s", condition.name, error)
        progress(what, done, total)

    try:
        outcome = trained(bench.run, condition, own, told)
    except BLAMED as error:
        if not isinstance(error, InputError):
            blame_training(error, bench.run, condition, trained_steps)
        raise
    slim_checkpoint(own)
    bench.forget(condition)
    # Somebody else may have done the same meanwhile, on a machine that rounds otherwise, and chunks may be under way.
    if not storage.exists(f"{name}.pt"):
        storage.upload(own, f"{name}.pt")
        bench.keep(condition, outcome)
    storage.remove(partial)
    own.unlink()


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0


def chunk(
    shop: Workshop, build: str, output: str, progress: Progress, *, condition: str, start: int, stop: int, weights: str
) -> None:
    """Score some images of the export split before and after, and draw those that the study may show."""

    def fits(bench: Workbench) -> bool:
        return bench.chunk_name(bench.condition(condition), weights, start, stop) == output

    bench = shop.bench(build, progress, fits=fits)
    run, cell = bench.run, bench.condition(condition)
    made = bench.made(cell, weights)
    members = list(run.original(cell).splits["export"].members[start:stop])
    total, done = work_of(cell, len(members)), 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        progress(f"{cell.name}: scoring", done, total)

    stores = (bench.original_maps(cell), made.maps)
    with _blaming_images(bench, made, cell, members):
        part = score_members(run, cell, made.outcome.network, stores, members, tick)
        shown = _may_be_shown(bench, made, cell, start, stop)
        right = part.finetuned.predictions == run.export.targets[members]
        shown &= part.drawable & (right | (not cell.trainer.faithful))
        items = [item for item, wanted in zip(members, shown, strict=True) if wanted]
        pictures = list(draw_pairs(run, cell, stores, items))
    shop.storage.write(output, chunk_file(part, pictures))
    made.maps.forget()


def _may_be_shown(bench: Workbench, made: Made, condition: Condition, start: int, stop: int) -> np.ndarray:
    """Which of a chunk's images the study may show, as far as is known of the original networks, bool [n].

    The study shows the first that all networks get right. Twice as many are drawn as it wants; should the errors of the
    others leave too few of these, the last step draws what is missing.
    """
    run = bench.run
    selection = made.outcome.selection
    if not (selection.improved or condition.trainer.control or run.config.export_unimproved):
        return np.zeros(stop - start, dtype=bool)
    members = np.asarray(run.export.members)
    right = np.logical_and.reduce(
        [each.answers.predictions[members] == run.export.targets[members] for each in run.originals.values()]
    )
    among_first = np.cumsum(right) <= 2 * run.config.pairs + run.config.batch
    wanted: np.ndarray = (right & among_first)[start:stop]
    return wanted


@contextmanager
def _blaming_images(bench: Workbench, made: Made, condition: Condition, members: Sequence[int]) -> Iterator[None]:
    """Say of an error which of the members is behind it, by trying them one at a time."""
    run = bench.run
    original, export = bench.original_maps(condition), run.original(condition).splits["export"]

    def one_by_one(store: Maps) -> Maps:
        """The same maps, each made without the images that are beside it in a batch."""
        return PassingMaps(store.maker, condition.attributor_name, condition.attributor, export, batch=1)

    def alone(member: int) -> None:
        # Its maps of all attributors are made together, so another condition's may be behind the error.
        made_maps(original.maker, original.attributors, original.split, [member])
        score_members(run, condition, made.outcome.network, stores, [member], lambda count: None)
        list(draw_pairs(run, condition, stores, [member]))

    try:
        yield
    except BLAMED as error:
        if not isinstance(error, InputError):
            stores = one_by_one(original), one_by_one(made.maps)
            # All of a chunk's may be bad: that the method works was tried before.
            blame(error, run.dataset, condition.name, members, alone)
        raise


def merge(shop: Workshop, build: str, output: str, progress: Progress) -> None:
    """Put the bundle together from the chunks of all conditions, and pack it into one archive."""
    planned = json.loads(shop.storage.read(output.replace("/bundle-", "/plan-")))
    outputs = [condition["finetune"]["output"] for condition in planned["conditions"]]

    def fits(bench: Workbench) -> bool:
        return [f"{bench.finetuned_name(condition)}.json" for condition in bench.run.conditions] == outputs

    bench = shop.bench(build, progress, fits=fits)
    run = bench.run
    scratch = shop.scratch(build)
    rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    outputs_of: dict[Path, str] = {}
    with _damaged_chunks_removed(shop, outputs_of), ExitStack() as stack:
        stack.callback(rmtree, scratch, ignore_errors=True)
        everything, chunks = [], {}
        for number, condition in enumerate(run.conditions, start=1):
            told = json.loads(shop.storage.read(f"{bench.finetuned_name(condition)}.json"))
            paths = []
            for place, entry in enumerate(told["chunks"]):
                paths.append(scratch / f"{number}-{place}.zip")
                outputs_of[paths[-1]] = entry["output"]
                shop.storage.download(entry["output"], paths[-1])
                progress(f"{condition.name}: gathering", place + 1, len(told["chunks"]))
            files = chunks[condition.slug] = stack.enter_context(closing(ChunkFiles(paths)))
            everything.append(scored(run, condition, _selection(told), told["weights"], files.parts()))
            # The next condition's are open then.
            files.close()
        exported = exported_ones(run, everything)
        selection = chosen_images(run, exported)

        def drawn(of: Scored, items: Sequence[int]) -> Iterator[tuple[int, list[bytes]]]:
            return _drawn(bench, of, items, chunks[of.condition.slug])

        folder = write_pairs(run, scratch / "bundle", everything, exported, drawn, selection, progress)
        archive = _packed(folder, scratch / "bundle.zip", progress)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        files_digest = file_digest(folder / "study.json")
        name = output.removesuffix(".json") + ".zip"
        shop.storage.upload(archive, name)
        told = {"bundle": name, "sha256": file_digest(archive), "size": archive.stat().st_size}
        manifest.pop("files")
        _write_json(shop, output, {**told, "files_digest": files_digest, "manifest": manifest})


@contextmanager
def _damaged_chunks_removed(shop: Workshop, outputs: Mapping[Path, str]) -> Iterator[None]:
    """Remove a chunk from the storage that cannot be read, since where its output is, it counts as done."""
    try:
        yield
    except DamagedChunkError as error:
        shop.storage.remove(outputs[error.path])
        raise InputError(
            f"{outputs[error.path]} was damaged in the storage ({error.__cause__}), and is removed: start the build "
            "again, and it is made anew"
        ) from error


def _drawn(bench: Workbench, of: Scored, items: Sequence[int], files: ChunkFiles) -> Iterator[tuple[int, list[bytes]]]:
    run = bench.run
    for item in items:
        known = files.pictures(item)
        if known is not None:
            yield item, known
        else:
            stores = (bench.original_maps(of.condition), bench.made(of.condition, of.weights_digest).maps)
            yield from draw_pairs(run, of.condition, stores, [item])
    files.close()


def _selection(told: Mapping[str, Any]) -> Selection:
    numbers = {name: math.nan if told[name] is None else told[name] for name in ("before", "after", "agreement")}
    return Selection(improved=told["improved"], step=told["step"], seconds=told["seconds"], history=(), **numbers)


def _packed(folder: Path, to: Path, progress: Progress) -> Path:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(to, "w") as archive:
        for number, path in enumerate(files, start=1):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), date_time=EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            # Pictures are packed already.
            entry.compress_type = zipfile.ZIP_STORED if path.suffix == ".png" else zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
            progress("packing the bundle", number, len(files))
    return to


def _plain(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value


def _write_json(shop: Workshop, name: str, content: Mapping[str, object]) -> None:
    shop.storage.write(name, json.dumps(content, sort_keys=True, allow_nan=False).encode())


Step = Callable[..., None]
STEPS: dict[str, Step] = {"plan": plan, "finetune": finetune, "chunk": chunk, "merge": merge}
