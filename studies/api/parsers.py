"""Request bodies: JSON of a bounded size."""

import io
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import APIException
from rest_framework.parsers import JSONParser

LARGEST_BODY = 64 * 1024


class BodyTooLarge(APIException):
    status_code = 413
    default_detail = f"the body is larger than {LARGEST_BODY} bytes"
    default_code = "too_large"


class BoundedJSONParser(JSONParser):
    """Parse JSON; a body over `LARGEST_BODY` bytes is refused (413) without being read to its end."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        body = stream.read(LARGEST_BODY + 1)
        if len(body) > LARGEST_BODY:
            raise BodyTooLarge
        parsed: dict[str, Any] = super().parse(io.BytesIO(body), media_type, parser_context)
        return parsed
