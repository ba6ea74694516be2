"""Studies come in as archives of bundles."""

import tempfile
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from studies.api.parsers import BodyTooLarge
from studies.api.research.base import ResearchView, conflict
from studies.api.research.serializers import ImportSerializer
from studies.api.research.throttles import ImportThrottle, RequestThrottle
from studies.services.imports import RefusedArchiveError, TakenSlugError, bundle_import
from studies.services.lifecycle import ArchivedStudyError
from studies.services.loading import Change

MEBIBYTE = 1024 * 1024
CHUNK = 64 * 1024
IN_MEMORY = MEBIBYTE


class ArchiveParser(BaseParser):
    """The body as a file on the disk; it is not looked at before it has been told who asks."""

    media_type = "application/zip"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        most = settings.BUNDLE_MEBIBYTES * MEBIBYTE
        archive = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed by the view
        received = 0
        while chunk := stream.read(CHUNK):
            received += len(chunk)
            if received > most:
                archive.close()
                raise BodyTooLarge(f"the archive is larger than {settings.BUNDLE_MEBIBYTES} MiB")
            archive.write(chunk)
        archive.seek(0)
        return archive


class BundlesView(ResearchView):
    parser_classes = (ArchiveParser,)
    throttle_classes = (RequestThrottle, ImportThrottle)
    largest_body = settings.BUNDLE_MEBIBYTES * MEBIBYTE

    @extend_schema(
        operation_id="bundles_import",
        request={"application/zip": OpenApiTypes.BINARY},
        responses={200: ImportSerializer, 201: ImportSerializer},
    )
    def post(self, request: Request) -> Response:
        """Load a bundle from a zip archive: everything of it or nothing. A study that is new (201) is yours.

        409: the slug is taken by another study, or its study is archived.
        """
        sent: Any = request.data
        if isinstance(sent, Mapping):
            # Without a body there is nothing to parse.
            raise ValidationError({"archive": [_("the body is empty; send the zip archive of a bundle")]})
        with sent as archive:
            try:
                loaded = bundle_import(archive=archive, actor=self.user(request))
            except RefusedArchiveError as error:
                raise ValidationError({"archive": [str(error)]}) from error
            except TakenSlugError as error:
                return conflict(error, "slug_taken")
            except ArchivedStudyError as error:
                return conflict(error, "archived")
        is_new = loaded.change is Change.LOADED
        return Response(ImportSerializer(loaded).data, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)
