"""Whole tables as files, streamed: CSV, JSON lines or Parquet, as the address or the Accept header asks for."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from studies.api.research.base import ResearchView
from studies.api.strict import QueryBoolean, StrictSerializer
from studies.exports import pages, responses
from studies.exports.facts import Row
from studies.exports.snapshot import snapshot
from studies.exports.writing import csv_chunks, jsonl_chunks, write_parquet
from studies.models import Study

CHUNK = 64 * 1024
FORMATS: Mapping[str, str] = {
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
Rows = Callable[[], Iterator[Row]]


class DownloadQuery(StrictSerializer):
    format = serializers.ChoiceField(
        choices=list(FORMATS), required=False, help_text="Goes before the Accept header; CSV without either."
    )


class ResponsesQuery(DownloadQuery):
    all_revisions = QueryBoolean(default=False, help_text="Also answers that were changed later.")
    practice = QueryBoolean(default=False, help_text="Also answers to practice trials.")


class FileNegotiation(BaseContentNegotiation):
    """Leaves the choice to the view. What is refused is told as JSON, whatever file was asked for."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser | None:
        return DefaultContentNegotiation().select_parser(request, parsers)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = renderers[0]
        return renderer, renderer.media_type


def chosen_format(request: Request, asked: str | None) -> str:
    """Return the format to send; raises NotAcceptable (406) if the Accept header allows none."""
    if asked is not None:
        return asked
    preferred = request._request.get_preferred_type(list(FORMATS.values()))
    for name, media_type in FORMATS.items():
        if media_type == preferred:
            return name
    raise NotAcceptable(f"This comes as {', '.join(FORMATS.values())}.")


def file_of(study: Study, table: str, rows: Rows, name: str) -> HttpResponseBase:
    """Return the table as a download; its rows are read while it is sent, or before, as Parquet."""
    filename = f"{study.slug}-{table}.{name}"
    response: HttpResponse | StreamingHttpResponse
    if name == "parquet":
        # Its end says where everything is, so it cannot be begun before it is whole.
        spooled = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it is sent
        with snapshot():
            write_parquet(table, rows(), spooled)
        length = spooled.tell()
        spooled.seek(0)
        response = StreamingHttpResponse(_pieces(spooled), content_type=FORMATS[name])
        response.headers["Content-Length"] = str(length)
    else:
        chunks = csv_chunks if name == "csv" else jsonl_chunks
        content_type = f"{FORMATS[name]}; charset=utf-8"
        response = StreamingHttpResponse(_streamed(chunks, table, rows), content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept, Authorization, Cookie"
    return response


def _streamed(chunks: Callable[[str, Iterator[Row]], Iterator[bytes]], table: str, rows: Rows) -> Iterator[bytes]:
    with snapshot():
        yield from chunks(table, rows())


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(CHUNK):
            yield piece


FILES = {(200, media_type): OpenApiTypes.BINARY for media_type in FORMATS.values()}


class ResponsesDownloadView(ResearchView):
    content_negotiation_class = FileNegotiation

    @extend_schema(operation_id="responses_download", parameters=[ResponsesQuery], responses=FILES)
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """The answers, one row each; previews are left out. The columns are described in docs/exports.md."""
        query = self.query(request, ResponsesQuery)
        study = self.study(request, slug)

        def rows() -> Iterator[Row]:
            return responses.row_tuples(study, all_revisions=query["all_revisions"], with_practice=query["practice"])

        return file_of(study, "responses", rows, chosen_format(request, query.get("format")))


class PageAnswersDownloadView(ResearchView):
    content_negotiation_class = FileNegotiation

    @extend_schema(operation_id="page_answers_download", parameters=[DownloadQuery], responses=FILES)
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """What annotators entered on the pages around the trials, one row for each field."""
        query = self.query(request, DownloadQuery)
        study = self.study(request, slug)
        name = chosen_format(request, query.get("format"))
        return file_of(study, "pages", lambda: pages.row_tuples(study), name)
