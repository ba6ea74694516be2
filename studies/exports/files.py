"""Every file that a study can be exported as."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from studies.exports import annotators, pages, responses, trials
from studies.exports.dictionary import dictionary_document, dictionary_markdown
from studies.exports.jspsych import jspsych_chunks
from studies.exports.psych_ds import write_zip
from studies.exports.snapshot import snapshot
from studies.exports.writing import csv_chunks, json_bytes, jsonl_chunks, write_parquet
from studies.models import Study

PIECE = 256 * 1024

CSV = "text/csv; charset=utf-8"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file: what it is, and `chunks`, which yields its content in pieces, as of one moment."""

    about: Promise | str
    content_type: str
    chunks: Callable[[Study], Iterator[bytes]]


def _streamed(chunks: Callable[[Study], Iterator[bytes]]) -> Callable[[Study], Iterator[bytes]]:
    """Read in one snapshot what is sent while it is read."""

    def made(study: Study) -> Iterator[bytes]:
        with snapshot():
            yield from chunks(study)

    return made


def _by_way_of_disk(write: Callable[[Study, IO[bytes]], None]) -> Callable[[Study], Iterator[bytes]]:
    """Send, from a temporary file, what is only whole once all of it is written."""

    def made(study: Study) -> Iterator[bytes]:
        with TemporaryFile(prefix="harmony-export-") as file:
            with snapshot():
                write(study, file)
            file.seek(0)
            while piece := file.read(PIECE):
                yield piece

    return made


FILES: Mapping[str, ExportFile] = {
    "responses.csv": ExportFile(
        _("One row per answer that stands, with its trial, its annotator and its times."),
        CSV,
        _streamed(lambda study: csv_chunks("responses", responses.row_tuples(study))),
    ),
    "responses.parquet": ExportFile(
        _("The same for pandas, R and DuckDB: typed, and small."),
        "application/vnd.apache.parquet",
        _by_way_of_disk(lambda study, file: write_parquet("responses", responses.row_tuples(study), file)),
    ),
    "responses.jsonl": ExportFile(
        _("The same as JSON, one answer on each line."),
        "application/x-ndjson",
        _streamed(lambda study: jsonl_chunks("responses", responses.row_tuples(study))),
    ),
    "revisions.csv": ExportFile(
        _("Every answer that was ever given: also practice, and answers that were changed later."),
        CSV,
        _streamed(
            lambda study: csv_chunks("revisions", responses.row_tuples(study, all_revisions=True, with_practice=True))
        ),
    ),
    "annotators.csv": ExportFile(
        _("One row per annotator: how it went, how much was answered, which quality rules are broken."),
        CSV,
        _streamed(lambda study: csv_chunks("annotators", annotators.row_tuples(study))),
    ),
    "pages.csv": ExportFile(
        _("One row per answer on the pages around the trials: consent and questionnaires."),
        CSV,
        _streamed(lambda study: csv_chunks("pages", pages.row_tuples(study))),
    ),
    "trials.csv": ExportFile(
        _("One row per trial: its image, its maps’ scores, and how it was judged."),
        CSV,
        _streamed(lambda study: csv_chunks("trials", trials.row_tuples(study))),
    ),
    "jspsych.json": ExportFile(
        _("Sessions as jsPsych saves them: for each annotator an array of trials and pages in the order of time."),
        JSON,
        _streamed(jspsych_chunks),
    ),
    "psych-ds.zip": ExportFile(
        _("All tables with their description as a Psych-DS dataset, to archive and to share."),
        "application/zip",
        _by_way_of_disk(write_zip),
    ),
    "data-dictionary.md": ExportFile(
        _("What every column says, to read."),
        "text/markdown; charset=utf-8",
        lambda study: iter([dictionary_markdown().encode()]),
    ),
    "data-dictionary.json": ExportFile(
        _("What every column says, for programs."),
        JSON,
        lambda study: iter([json_bytes(dictionary_document())]),
    ),
}
