"""A study as a Psych-DS dataset (schema 1.5): https://psychds-docs.readthedocs.io."""

import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from django.utils import timezone

from studies.exports import annotators, pages, responses, trials
from studies.exports.dictionary import dictionary_document, dictionary_markdown, variables
from studies.exports.facts import Row
from studies.exports.writing import csv_chunks
from studies.models import Participation, Study
from studies.selectors_protocol import protocol_text

SCHEMA = "Psych-DS 1.5.1"
SIMULATED = "Simulated annotators: these answers were made by a program and say nothing about people."
# What the validator need not look at.
IGNORED = "documentation/\nmaterials/\n"

_DATA: Mapping[str, tuple[str, Callable[[Study], Iterator[Row]]]] = {
    "responses": ("data", responses.row_tuples),
    "annotators": ("data", annotators.row_tuples),
    "pages": ("data", pages.row_tuples),
    "trials": ("data", trials.row_tuples),
    "revisions": ("data/raw", lambda study: responses.row_tuples(study, all_revisions=True, with_practice=True)),
}


def members(study: Study) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield each file's path in the dataset and its content in pieces."""
    yield "dataset_description.json", iter([_pretty(description(study))])
    yield "README.md", iter([_readme(study).encode()])
    yield "CHANGES.md", iter([_changes(study).encode()])
    yield ".psychds-ignore", iter([IGNORED.encode()])
    for table, (folder, rows) in _DATA.items():
        yield f"{folder}/{data_name(study, table)}", csv_chunks(table, rows(study))
    yield "documentation/data_dictionary.md", iter([dictionary_markdown().encode()])
    yield "documentation/data_dictionary.json", iter([_pretty(dictionary_document())])
    for protocol in study.protocols.order_by("version"):
        yield f"materials/protocol-{protocol.version}.toml", iter([protocol_text(protocol).encode()])


def data_name(study: Study, table: str) -> str:
    """Return the keyed name of a data file: keywords are lower-case letters, values letters and digits."""
    label = re.sub(r"[^a-zA-Z0-9]", "", study.slug) or f"number{study.pk}"
    return f"study-{label}_description-{table}_data.csv"


def description(study: Study) -> dict[str, Any]:
    """Return the dataset's metadata, in terms of schema.org alone, with a description of every column."""
    about = f"Judgements of attribution maps: {study.question}"
    if study.is_simulated:
        about = f"{SIMULATED} {about}"
    return {
        "@context": "http://schema.org/",
        "@type": "Dataset",
        "name": study.title,
        "description": about,
        "schemaVersion": SCHEMA,
        "dateCreated": study.created_at.date().isoformat(),
        "dateModified": timezone.now().date().isoformat(),
        "keywords": ["explainable artificial intelligence", "attribution maps", "human judgements", "forced choice"],
        "measurementTechnique": "forced choice between two attribution maps of the same image",
        "variableMeasured": variables(*_DATA),
    }


def write_zip(study: Study, file: IO[bytes]) -> None:
    """Write the dataset into a zip, piece by piece, under a folder with the study's name."""
    # Small numbers in long tables: a higher level takes far longer and saves little.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=2) as archive:
        for path, chunks in members(study):
            info = zipfile.ZipInfo(f"{study.slug}/{path}", timezone.now().timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            # The size is not known before, and may be more than 4 GiB.
            with archive.open(info, "w", force_zip64=True) as member:
                for chunk in chunks:
                    member.write(chunk)


def write_folder(study: Study, folder: Path) -> None:
    """Write the dataset into a folder, which must be new or empty."""
    for path, chunks in members(study):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with (folder / path).open("wb") as file:
            file.writelines(chunks)


def _pretty(document: object) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _readme(study: Study) -> str:
    people = Participation.objects.filter(study=study, is_preview=False)
    lines = [
        f"# {_one_line(study.title)}",
        "",
        f"The question: {_one_line(study.question)}",
        "",
        *([SIMULATED, ""] if study.is_simulated else []),
        f"Annotators: {people.count()}. Written on {timezone.now():%Y-%m-%d %H:%M} UTC by Harmony, as {SCHEMA}.",
        "",
        "| file | a row is | key |",
        "| --- | --- | --- |",
        f"| `data/{data_name(study, 'responses')}` | an answer that stands | `row_id` |",
        f"| `data/{data_name(study, 'annotators')}` | an annotator | `annotator` |",
        f"| `data/{data_name(study, 'pages')}` | an answer on a page | `annotator`, `page`, `field`, `part` |",
        f"| `data/{data_name(study, 'trials')}` | a trial | `trial` |",
        f"| `data/raw/{data_name(study, 'revisions')}` | an answer that was ever given, also in practice | `row_id` |",
        "",
        "Analyses of judgements take the rows with `counts` = 1. Catch trials and repeats tell about annotators alone.",
        "What each column says is in `dataset_description.json` and in `documentation/data_dictionary.md`.",
        "How the study was run is in `materials/`, a file for each version of the protocol.",
        "",
        "In texts, an apostrophe keeps spreadsheets from running what starts with = + - or @ as a formula.",
        "",
        "Annotators have codes. Free texts (`reason`, and `answer` of pages) are what people wrote: read them before",
        "the data are shared, as they may have named themselves.",
    ]
    return "\n".join(lines) + "\n"


def _changes(study: Study) -> str:
    lines = ["# Changes", ""]
    for protocol in study.protocols.order_by("-version"):
        reason = f": {_one_line(protocol.reason)}" if protocol.reason else ""
        lines.append(f"- {protocol.created_at:%Y-%m-%d}: version {protocol.version} of the protocol{reason}")
    lines.append(f"- {study.created_at:%Y-%m-%d}: the study was made")
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())
