"""What annotators feel of builds: the trial cycle with a GPU worker idle and busy, each on a core of its own.

python benchmarks/web_beside_builds.py [--annotators 1 8] [--seconds 8] [--rounds 3]

Web server, PostgreSQL, Redis, default worker, beat and the annotators' client share core 0; the GPU worker (on the CPU)
has core 1. In turns the worker waits, or carries out a build. Pictures are left out. `limit` is how much slower core 0
gets by a neighbour that does nothing but matrix products on core 1: virtual cores may share one.
"""

import argparse
import multiprocessing
import os
import shutil
import signal
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from annotators import database
from builds import write_run
from load import made, measures, sites
from load.build_site import BuildSite
from table import Row, print_table

from harmony_app.tests.servers import running_redis

WEB_CORE, WORKER_CORE = 0, 1
CANCEL = (
    "from studies.models import Build; from studies.builds.asking import build_cancel; "
    "[build_cancel(build=each, actor=None) for each in Build.objects.filter(state__in=['queued', 'running'])]"
)
READY = (
    "from studies.models import BuildStep; "
    "print(BuildStep.objects.filter(state='running').exclude(kind='plan').count())"
)


def rows(options: argparse.Namespace, folder: Path) -> list[Row]:
    """One row for each round, number of annotators and state of the worker."""
    made.write_pictures(folder / "pictures", 10)
    made.LoadBundle(folder / "bundle", images=100, conditions=10, annotators_per_trial=1000)
    config = write_run(folder / "run", options.images)
    found: list[Row] = []
    with database("postgresql", folder) as where, running_redis() as redis_url:
        home = folder / "harmony"
        home.mkdir()
        sizes = {"images": 100, "conditions": 10, "responses": 1000}
        sizes["annotators"] = 2 * options.rounds * sum(options.annotators) + 4
        site = sites.harmony(home, where.urls["harmony"], folder / "bundle", sizes, {"workers": 2, "threads": 4})
        builds = BuildSite(folder, where.urls["harmony"], redis_url)
        site.start()
        try:
            measures.under_load(site, 2, 2, pictures=False, database_pid=where.pid)
            with builds.workers(1, core=WORKER_CORE):
                for number in range(options.rounds):
                    for is_busy in (False, True) if number % 2 == 0 else (True, False):
                        if is_busy:
                            _start_build(builds, config)
                        for level in options.annotators:
                            row = measures.under_load(
                                site, level, options.seconds, pictures=False, database_pid=where.pid
                            )
                            state = "busy" if is_busy else "idle"
                            found.append({"round": number + 1, "worker": state, "annotators": level} | row)
                        if is_busy:
                            builds.manage("shell", "--verbosity", "0", "--command", CANCEL)
                            time.sleep(8)
        finally:
            site.stop()
    return found


def _start_build(builds: BuildSite, config: Path) -> None:
    """Have a build begun whose worker computes: nothing is left of earlier ones, so that it has all to do."""
    for place in ("builds", "work"):
        shutil.rmtree(builds.folder / place, ignore_errors=True)
    builds.manage("queue_build", str(config))
    deadline = time.monotonic() + 120
    while builds.manage("shell", "--verbosity", "0", "--command", READY).strip() == "0":
        if time.monotonic() > deadline:
            raise RuntimeError("the worker does not begin")
        time.sleep(1)


def compared(found: list[Row]) -> list[Row]:
    """Busy against idle, as medians of the ratios round by round."""
    result: list[Row] = []
    for level in sorted({row["annotators"] for row in found}):
        row: Row = {"annotators": level}
        for key in ("trials/s", "p50, ms", "p99, ms", "server CPU, ms/trial"):
            of = {
                state: [float(each[key]) for each in found if each["annotators"] == level and each["worker"] == state]
                for state in ("idle", "busy")
            }
            row[f"{key.partition(',')[0]}, busy / idle"] = statistics.median(
                busy / idle for busy, idle in zip(of["busy"], of["idle"], strict=True)
            )
        result.append(row)
    return result


def neighbour_limit(seconds: float = 3.0) -> float:
    """How many times longer plain Python takes on core 0 while core 1 multiplies matrices."""
    alone = _counted(seconds)
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    neighbour = context.Process(target=_multiply, args=(stop,))
    neighbour.start()
    time.sleep(2)
    beside = _counted(seconds)
    stop.set()
    neighbour.join()
    return alone / beside


def _counted(seconds: float) -> int:
    done, ends = 0, time.perf_counter() + seconds
    while time.perf_counter() < ends:
        sum(range(1000))
        done += 1
    return done


def _multiply(stop: "multiprocessing.synchronize.Event") -> None:
    import numpy as np

    os.sched_setaffinity(0, {WORKER_CORE})
    square = np.ones((512, 512), dtype=np.float32)
    while not stop.is_set():
        square @ square


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--annotators", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--seconds", type=float, default=8.0, help="for each row")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=400, help="of each class of the build")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if not {WEB_CORE, WORKER_CORE} <= os.sched_getaffinity(0):
        sys.exit(f"this needs the cores {WEB_CORE} and {WORKER_CORE}")
    # All that is started from here on inherits it.
    os.sched_setaffinity(0, {WEB_CORE})
    limit = neighbour_limit()
    with TemporaryDirectory(prefix="harmony-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        found = rows(options, folder)
    print_table(f"Trials beside a build, {options.seconds:g} s a row", found)
    print_table("Busy against idle", [{**row, "neighbour's limit": limit} for row in compared(found)])


if __name__ == "__main__":
    main()
