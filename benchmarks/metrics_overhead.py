"""What counting and numbering requests costs: the site with these two middlewares against the site without.

    python benchmarks/metrics_overhead.py [--pairs 2000] [--log-format json]

Both sites run in this process on an empty SQLite file, without a network, and take turns request by request. Counted as
under gunicorn: in files that all processes of a server share. The plainest reply shows the cost as such; the log-in
page shows it beside a page that is rendered. Times are CPU time of the thread, as other work on the machine would count
otherwise; medians, and the middle half of the differences.

CPython 3.11 keeps its frames in pieces of 16 kB, and a loop that calls across the end of a piece takes up to half as
long again. Where the end falls is chance, so pairs are made at depths of the stack that are drawn at random.
"""

import argparse
import logging
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.test import Client

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

COUNTED = (
    "harmony_app.request_ids.RequestIdMiddleware",
    "harmony_app.metrics.requests.MetricsMiddleware",
)
PAGES = {"no view (404, plain)": "/static/nothing.css", "log-in page": "/accounts/login/"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=2000, help="requests of each site")
    parser.add_argument("--log-format", choices=["plain", "json"], default="json", help="json writes a line for each")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            HARMONY_DATA_DIR=folder, DJANGO_SETTINGS_MODULE="harmony_app.settings", LOG_FORMAT=given.log_format
        )
        # Before anything is counted, as by gunicorn's configuration.
        from harmony_app.metrics.folder import make_folder, use_folder

        use_folder(make_folder(Path(folder) / "metrics"))
        measure(given.pairs)


def measure(pairs: int) -> None:
    """Print a line for each page."""
    import django

    django.setup()
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["testserver"]
    with Path(os.devnull).open("w") as nowhere:
        for handler in [*logging.getLogger().handlers, *logging.getLogger("django").handlers]:
            handler.setStream(nowhere)
        logging.getLogger("django.request").setLevel(logging.ERROR)
        rest = [middleware for middleware in settings.MIDDLEWARE if middleware not in COUNTED]
        sites = [site(rest), site([*COUNTED, *rest])]
        print(f"{pairs} pairs of requests, LOG_FORMAT={settings.LOG_FORMAT}\n")
        print("| page | without, us | with, us | ratio | more, us | middle half |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        for name, path in PAGES.items():
            report(name, path, sites, pairs)


def site(middleware: list[str]) -> "Client":
    """Return a client of the site with this middleware."""
    from django.test import Client, override_settings

    client = Client()
    with override_settings(MIDDLEWARE=middleware):
        client.handler.load_middleware()
    return client


def report(name: str, path: str, sites: "list[Client]", pairs: int) -> None:
    """Ask both sites in turns, and print what it took."""
    taken: list[list[float]] = [[], []]
    depths = random.Random(0)
    for number in range(pairs + 50):
        depth = depths.randrange(200)
        for which in (0, 1) if number % 2 else (1, 0):
            taken[which].append(deeper(depth, sites[which], path))
    # The first ones load what is loaded once.
    without, counted = (times[50:] for times in taken)
    low, more, high = statistics.quantiles([b - a for a, b in zip(without, counted, strict=True)], n=4)
    before, after = statistics.median(without), statistics.median(counted)
    print(f"| {name} | {before:.0f} | {after:.0f} | {after / before:.3f} | {more:.0f} | {low:.0f} - {high:.0f} |")


def deeper(depth: int, client: "Client", path: str) -> float:
    """Return the microseconds that a request takes, made so many frames further down."""
    if depth:
        return deeper(depth - 1, client, path)
    began = time.thread_time()
    client.get(path)
    return 1e6 * (time.thread_time() - began)


if __name__ == "__main__":
    main()
