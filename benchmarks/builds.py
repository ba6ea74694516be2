"""Builds by workers against the command line, one worker against two, and what a step costs that does nothing.

python benchmarks/builds.py [--images 40] [--chunks 10000] [--repetitions 2] [--parts scaling drain]

One thread for each process. `scaling` builds a run of the synthetic data set (GradCAM and GuidedBackprop, RMA and
Focus) three ways: by the command line, by one worker and by two, into empty storages; workers go through PostgreSQL,
Redis and beat, and have done a small build of another seed before. `limit` is what the machine gives: how much more two
processes get done than one in the same time with plain matrix products. `drain` is a build of so many chunks that do
nothing.
"""

import argparse
import multiprocessing
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_NUM_THREADS", "1")

from load.build_site import ROOT, BuildSite, running_build_site
from table import Row, print_table

CONFIG = """
name = "scaling"
title = "Maps of shapes"
seed = 1
pairs = {pairs}
attributors = ["GradCAM", "GuidedBackprop"]
batch = 8
export_unimproved = true

[dataset]
name = "Tagged shapes"
layout = "folder"
images = "images"
masks = "masks"
splits = {{ train = 0.1, validation = 0.1, export = 0.8 }}

[network]
name = "SmallCNN"
spec = "file:network.pt"

[[metrics]]
name = "RMA"
training = {{ weight = 0.2, learning_rate = 3e-4, steps = 4, batch = 4, validate_every = 4, minimum_agreement = 0.5 }}

[[metrics]]
name = "Focus"
training = {{ weight = 0.2, learning_rate = 3e-4, steps = 4, batch = 4, validate_every = 4, minimum_agreement = 0.5 }}
"""


def write_run(folder: Path, per_class: int) -> Path:
    """The synthetic data set, its network and a run config in `folder`."""
    from attribution.synthetic import synthesize, train_small_network
    from attribution.synthetic.training import TrainingSettings

    synthesize(folder, seed=1, images_per_class=per_class, progress=_silent)
    # It need not be good: a few right answers make a study.
    little = TrainingSettings(images_per_class=60, epochs=4, test_images_per_class=4, threads=1)
    train_small_network(folder, folder / "network.pt", seed=1, progress=_silent, settings=little)
    config = folder / "study.toml"
    config.write_text(CONFIG.format(pairs=max(2, per_class // 2)))
    return config


def _silent(_what: str, _done: int, _total: int) -> None:
    return


def by_command_line(config: Path, folder: Path) -> tuple[float, float]:
    """Seconds and CPU seconds of `python -m attribution build`."""
    before = _children_cpu()
    started = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "attribution",
        "build",
        str(config),
        "--out",
        str(folder / "cli"),
        "--device",
        "cpu",
    ]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    shutil.rmtree(folder / "cli")
    return seconds, _children_cpu() - before


def by_workers(site: BuildSite, config: Path, workers: int) -> Row:
    """A build by so many workers, from the asking to the loaded study; CPU is that of the GPU workers."""
    for place in ("builds", "work"):
        shutil.rmtree(site.folder / place, ignore_errors=True)
    with site.workers(workers) as programs:
        # As workers are that have built before: torch is loaded.
        warm = config.with_name("warm.toml")
        few = "splits = { train = 0.45, validation = 0.45, export = 0.1 }"
        text = config.read_text().replace('name = "scaling"', 'name = "warm"').replace("seed = 1", "seed = 2")
        text = text.replace("splits = { train = 0.1, validation = 0.1, export = 0.8 }", few)
        warm.write_text(re.sub(r"pairs = \d+", "pairs = 2", text))
        site.manage("queue_build", str(warm), "--wait")
        before = sum(_cpu_of(program.process.pid) for program in programs)
        site.manage("queue_build", str(config), "--wait")
        cpu = sum(_cpu_of(program.process.pid) for program in programs) - before
        numbers = site.numbers()
    site.manage(
        "shell", "--verbosity", "0", "--command", "from studies.models import Study; Study.objects.all().delete()"
    )
    if numbers["state"] != "done":
        raise RuntimeError(f"the build ended as {numbers['state']}: {numbers['error']}")
    chunk = numbers["kinds"]["chunk"]
    return {
        "seconds": numbers["seconds"],
        "cpu": cpu,
        "chunks": chunk["done"],
        "chunk span": chunk["span"],
        "images/s": chunk["images"] / chunk["span"],
        "workers seen": chunk["workers"],
    }


def scaling(folder: Path, per_class: int, repetitions: int) -> tuple[list[Row], list[Row]]:
    """Rows of the ways, and of the ratios round by round."""
    config = write_run(folder / "run", per_class)
    rows: list[Row] = []
    compared: list[Row] = []
    with running_build_site(folder) as site:
        for number in range(repetitions):
            one_way, limit = by_command_line(config, folder), machine_limit()
            found = {count: by_workers(site, config, count) for count in ((1, 2) if number % 2 == 0 else (2, 1))}
            rows.append({"round": number + 1, "way": "command line", "seconds": one_way[0], "cpu": one_way[1]})
            rows += [{"round": number + 1, "way": f"{count} worker(s)", **found[count]} for count in (1, 2)]
            speed_up = float(found[2]["images/s"]) / float(found[1]["images/s"])
            compared.append(
                {
                    "round": number + 1,
                    "one worker / command line, seconds": float(found[1]["seconds"]) / one_way[0],
                    "one worker / command line, CPU": float(found[1]["cpu"]) / one_way[1],
                    "chunks, two workers / one": speed_up,
                    "limit of two processes / one": limit,
                    "share of the limit": speed_up / limit,
                }
            )
    return rows, compared


def machine_limit(seconds: float = 4.0) -> float:
    """How many more matrix products two processes do than one in the same time."""
    alone = _products(1, seconds)
    return _products(2, seconds) / alone


def _products(processes: int, seconds: float) -> int:
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return sum(pool.map(_multiply, [seconds] * processes, chunksize=1))


def _multiply(seconds: float) -> int:
    import numpy as np

    square = np.ones((256, 256), dtype=np.float32)
    done, ends = 0, time.perf_counter() + seconds
    while time.perf_counter() < ends:
        square @ square
        done += 1
    return done


def drain(folder: Path, chunks: int, workers: int) -> Row:
    """A build of chunks that do nothing: how many a second go through, and what each process paid for it."""
    config = folder / "run" / "study.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(CONFIG.format(pairs=1))
    with running_build_site(folder, NO_OP_CHUNKS=str(chunks), PYTHONPATH=str(ROOT / "benchmarks")) as site:
        with site.workers(workers, app="load.no_op_worker") as programs:
            site.manage("queue_build", str(config))
            started = time.perf_counter()
            while (numbers := site.numbers())["kinds"]["chunk"]["done"] < chunks:
                if time.perf_counter() - started > 600 or numbers["state"] == "failed":
                    raise RuntimeError(f"{numbers}")
                time.sleep(1)
            cpu = sum(_cpu_of(program.process.pid) for program in programs)
        span = numbers["kinds"]["chunk"]["span"]
    return {
        "chunks": chunks,
        "workers": workers,
        "seconds": span,
        "chunks/s": chunks / span,
        "worker CPU ms": 1000 * cpu / chunks,
    }


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cpu_of(pid: int) -> float:
    """CPU seconds of a process and all its descendants that run or were waited for."""
    found, total, tick = [pid], 0.0, os.sysconf("SC_CLK_TCK")
    while found:
        each = found.pop()
        try:
            fields = (Path("/proc") / str(each) / "stat").read_text().rpartition(")")[2].split()
            tasks = Path("/proc") / str(each) / "task"
            found += [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15]) / tick
    return total


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100, help="of each of the 6 classes")
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="of the drained queue")
    parser.add_argument("--repetitions", type=int, default=2)
    parser.add_argument("--parts", nargs="+", choices=("scaling", "drain"), default=["scaling", "drain"])
    options = parser.parse_args()
    if "scaling" in options.parts:
        with TemporaryDirectory() as folder:
            rows, compared = scaling(Path(folder), options.images, options.repetitions)
        print_table("Builds three ways", rows)
        print_table("Builds three ways, compared", compared)
    if "drain" in options.parts:
        drained = []
        for workers in options.workers:
            with TemporaryDirectory() as folder:
                drained.append(drain(Path(folder), options.chunks, workers))
        print_table("A queue of chunks that do nothing", drained)


if __name__ == "__main__":
    main()
