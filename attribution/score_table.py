"""What is shown of the scores of maps: a table of means with intervals, and a CSV file with a row per score."""

import csv
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from attribution.errors import InputError
from attribution.printable import no_formula, printable
from attribution.score_maps import MapScores
from attribution.statistics import RESAMPLES, PairedDifference, paired_difference

HEADER = ("maps", "metric", "better", "mean [95 % CI]", "images", "undefined")
COLUMNS = ("maps", "image", "name", "metric", "score", "undefined")
PAIR = ("original", "finetuned")


def score_table(result: MapScores, *, seed: int = 0) -> str:
    """Means over images with percentile bootstrap intervals, how many images have no score, and why.

    Arrays called `original` and `finetuned` are also compared, image by image.
    """
    rows = [HEADER]
    for array, by_metric in result.scores.items():
        for metric, scores in by_metric.items():
            # An interval of a mean is one of the difference from nothing.
            mean = paired_difference(np.zeros_like(scores), scores, seed=seed)
            rows.append(_row(result, array, metric, mean, ".3f", _counted(result, array, metric)))
    if all(name in result.scores for name in PAIR):
        before, after = (result.scores[name] for name in PAIR)
        for metric in result.metrics:
            change = paired_difference(before[metric], after[metric], seed=seed)
            undefined = f"{change.undefined}: before or after" if change.undefined else ""
            rows.append(_row(result, "finetuned - original", metric, change, "+.3f", undefined))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join([*lines, *_notes(result, seed)])


def _row(
    result: MapScores, array: str, metric: str, mean: PairedDifference, form: str, undefined: str
) -> tuple[str, str, str, str, str, str]:
    if mean.difference is None:
        shown = "undefined"
    elif mean.low is None or mean.high is None:
        shown = f"{mean.difference:{form}} [undefined]"
    else:
        shown = f"{mean.difference:{form}} [{mean.low:{form}}, {mean.high:{form}}]"
    return printable(array), metric, result.metrics[metric].direction, shown, str(mean.n), undefined


def _counted(result: MapScores, array: str, metric: str) -> str:
    counts = result.reason_counts(array, metric)
    if not counts:
        return ""
    return f"{counts.total()}: " + ", ".join(f"{count} {reason}" for reason, count in counts.most_common())


def _notes(result: MapScores, seed: int) -> Iterator[str]:
    yield f"Intervals: bootstrap over images, {RESAMPLES:,} resamples, seed {seed}."
    if result.summed:
        yield f"Summed over channels: {printable(', '.join(result.summed))}."
    needing = [name for name, metric in result.metrics.items() if metric.needs_masks]
    if result.full_masks and needing:
        yield f"Masks that cover the whole image: {result.full_masks}; any map scores 1 there ({', '.join(needing)})."


def check_csv(path: Path, inputs: Iterable[Path] = ()) -> None:
    """InputError if no CSV file can be written at `path`, or if it is one of the `inputs`."""
    if path.is_dir():
        raise InputError(f"--out: {path}: is a folder: give the name of a CSV file")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(f"--out: {path}: cannot write into the folder {path.parent}: make it, or take another")
    if any(path.resolve() == given.resolve() or (path.exists() and path.samefile(given)) for given in inputs):
        raise InputError(f"--out: {path}: is what is read, and would be lost: give the name of a new file")
    if path.suffix.lower() != ".csv":
        raise InputError(f"--out: {path}: is no name of a CSV file: let it end in .csv")


def write_csv(path: Path, result: MapScores) -> None:
    """One row per array, image and metric; an undefined score is empty, with its reason beside.

    Names that a spreadsheet would take for a formula get an apostrophe in front, and what cannot be written as UTF-8
    is written as an escape. Written beside, then moved into place: a reader sees the old file or the whole new one.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("w", newline="", encoding="utf-8", errors="backslashreplace") as stream:
            writer = csv.writer(stream)
            writer.writerow(COLUMNS)
            for array in result.scores:
                writer.writerows(_records(result, array))
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _records(result: MapScores, array: str) -> Iterator[tuple[str, int, str, str, str, str]]:
    columns = [
        (metric, scores.tolist(), result.reasons[array][metric]) for metric, scores in result.scores[array].items()
    ]
    for image in range(len(columns[0][1])):
        name = "" if result.names is None else no_formula(result.names[image])
        for metric, scores, reasons in columns:
            reason = reasons.get(image, "")
            yield no_formula(array), image, name, metric, "" if reason else repr(scores[image]), reason
