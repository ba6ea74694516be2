"""What `attribution export` costs from images to bundle: images per second, and where the time goes.

python benchmarks/export.py [--images 200 2000] [--network resnet18] [--size 224] [--style white_to_red]

Made-up photographs, one condition, a network that was fine-tuned before (by next to nothing: the work is the same).
Measured is the export alone: decode, answer, explain before and after, score, render, write. Each number of images has
a process of its own, whose peak memory is shown: all of it (`ru_maxrss`, which counts the pages of memory-mapped files
that the system keeps and can drop), and that which belongs to no file.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image
from table import Row, print_table

# Run as a script, only this folder is on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))

from attribution import evaluation, map_store, networks, pipeline, run
from attribution.config import NetworkConfig, read_config
from attribution.images import normalise
from attribution.images.preprocessing import fit_image
from attribution.networks import load_network
from attribution.workspace import CACHE

# A study needs some images for training and validation too.
SHARES = {"train": 0.05, "validation": 0.05, "export": 0.9}
PHOTOGRAPH = (500, 375)

CONFIG = """
name = "bench"
title = "A benchmark"
seed = 1
pairs = {pairs}
batch = {batch}
attributors = ["GradCAM"]
export_unimproved = true

[dataset]
name = "Made"
layout = "csv"
images = "images"
table = "table.csv"
only_listed_classes = true
columns = {{ image = "file", label = "label", class_index = "index", x0 = "x0", y0 = "y0", x1 = "x1", y1 = "y1" }}
splits = {{ train = {train}, validation = {validation}, export = {export} }}

[network]
name = "{network}"
spec = "torchvision:{network}"
preprocessing = {{ size = {size}, mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225], fit = "squash" }}

[[metrics]]
name = "RMA"
training = {{ trainer = "fidelity_only", learning_rate = 1e-9, steps = 1, validate_every = 1 }}

[rendering]
style = "{style}"
"""


def photograph(rng: np.random.Generator) -> Image.Image:
    """Smooth colours with noise on them: as much work for a JPEG decoder as a photograph."""
    coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize(
        PHOTOGRAPH, Image.Resampling.BICUBIC
    )
    noisy = np.asarray(coarse, dtype=np.float32) + rng.normal(0, 12, (PHOTOGRAPH[1], PHOTOGRAPH[0], 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def write_study(folder: Path, *, images: int, network: str, size: int, batch: int, style: str) -> Path:
    """A data set of two classes that the network itself has labelled, and its config."""
    total = int(np.ceil(images / SHARES["export"])) + 4
    rng = np.random.default_rng(1)
    (folder / "images").mkdir(parents=True)
    config = folder / "study.toml"
    text = CONFIG.format(pairs=images, batch=batch, network=network, size=size, style=style, **SHARES)
    config.write_text(text, encoding="utf-8")
    names = [f"{number:05}.jpg" for number in range(total)]
    for name in names:
        photograph(rng).save(folder / "images" / name, quality=90)
    answers = answered(folder, names, config)
    # The two classes that part the images most evenly.
    other = int(((answers > answers[:, :1]).mean(axis=0) - 0.5).__abs__()[1:].argmin()) + 1
    lines = ["file,label,index,x0,y0,x1,y1"]
    for name, row in zip(names, answers, strict=True):
        index = other if row[other] > row[0] else 0
        lines.append(f"{name},class {index},{index},100,80,380,300")
    (folder / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return config


def answered(folder: Path, names: list[str], config: Path) -> np.ndarray:
    """The network's logits [N, classes]."""
    (entry,) = read_config(config).networks
    network = seeded_network(entry, "bench")
    parts = []
    for start in range(0, len(names), 16):
        pixels = [
            fit_image(Image.open(folder / "images" / name), network.preprocessing) for name in names[start : start + 16]
        ]
        with torch.inference_mode():
            parts.append(network.logits(normalise(np.stack(pixels), network.preprocessing)).numpy())
    return np.concatenate(parts)


def seeded_network(config: NetworkConfig, where: str) -> networks.Network:
    """Untrained weights, the same in every process."""
    torch.manual_seed(0)
    return load_network(config, where)


class Clock:
    """Seconds inside functions that were given to it, each counted where the outermost of them runs."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside: list[str] = []

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if name in self._inside or threading.current_thread() is not threading.main_thread():
                return function(*arguments, **options)
            started, others = time.perf_counter(), sum(self.seconds.values())
            self._inside.append(name)
            try:
                return function(*arguments, **options)
            finally:
                self._inside.pop()
                # What a timed function inside took is its own.
                within = sum(self.seconds.values()) - others
                took = time.perf_counter() - started - within
                self.seconds[name] = self.seconds.get(name, 0.0) + took

        return call


@contextmanager
def watched_memory() -> Iterator[list[int]]:
    """The largest amount of memory, in KiB, that belongs to no file, looked at every 20 ms."""
    peak = [0]
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            status = Path("/proc/self/status").read_text(encoding="ascii")
            peak[0] = max(peak[0], int(status.partition("RssAnon:")[2].split()[0]))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def measure(folder: Path) -> dict[str, float]:
    """One export in this process; `folder` has a study with its fine-tuning done."""
    clock = Clock()
    run.load_network = seeded_network  # type: ignore[attr-defined]
    networks.Network.logits = clock.timed("network", networks.Network.logits)  # type: ignore[method-assign]
    for module in (map_store, evaluation):
        module.explain = clock.timed("network", module.explain)  # type: ignore[attr-defined]
    run.decode = clock.timed("decode", run.decode)  # type: ignore[attr-defined]
    pipeline.prepare = clock.timed("load and check", pipeline.prepare)  # type: ignore[attr-defined]
    pipeline.write_pairs = clock.timed("render and write", pipeline.write_pairs)  # type: ignore[attr-defined]
    shutil.rmtree(folder / "out" / CACHE)
    with watched_memory() as peak:
        started = time.perf_counter()
        pipeline.export(folder / "study.toml", folder / "out")
        total = time.perf_counter() - started
    pictures = len(list((folder / "out" / "bundle" / "media").iterdir()))
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**clock.seconds, "total": total, "pictures": pictures, "rss": largest, "own": peak[0] / 1024}


def rows(images: list[int], *, network: str, size: int, batch: int, style: str) -> list[Row]:
    """One row per number of images."""
    found: list[Row] = []
    for count in images:
        with TemporaryDirectory(prefix="harmony-bench-") as name:
            folder = Path(name) / "study"
            config = write_study(folder, images=count, network=network, size=size, batch=batch, style=style)
            run.load_network = seeded_network  # type: ignore[attr-defined]
            pipeline.finetune(config, folder / "out", device="cpu")
            command = [sys.executable, __file__, "--measure", str(folder)]
            seen = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        total = seen["total"]
        parts = {part: seen.get(part, 0.0) for part in ("network", "decode", "render and write", "load and check")}
        parts["other"] = total - sum(parts.values())
        found.append(
            {
                "network": network,
                "images": count,
                "seconds": total,
                "images/s": count / total,
                **{f"{part}, %": 100 * taken / total for part, taken in parts.items()},
                "outside the network, %": 100 * (1 - seen["network"] / total),
                "peak MB": seen["rss"],
                "of it in no file, MB": seen["own"],
            }
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[200, 2000])
    parser.add_argument("--network", default="resnet18", help="a classifier of torchvision")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--style", default="white_to_red")
    parser.add_argument("--out", type=Path, help="also append the table to this file")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    made = rows(options.images, network=options.network, size=options.size, batch=options.batch, style=options.style)
    print_table(f"Export of one condition, {options.size} px, {options.style}", made, out=options.out)


if __name__ == "__main__":
    main()
