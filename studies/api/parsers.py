"""Request bodies: JSON of a bounded size and depth, without characters that cannot be stored."""

import io
from collections.abc import Mapping
from typing import IO, Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.parsers import JSONParser

from studies.json_values import json_fault

LARGEST_BODY = 64 * 1024


class BodyTooLarge(APIException):
    status_code = 413
    default_detail = format_lazy(_("the body is larger than {most} bytes"), most=LARGEST_BODY)
    default_code = "too_large"


class BoundedJSONParser(JSONParser):
    """Parse JSON; a body over `LARGEST_BODY` bytes is refused (413) without being read to its end.

    What `json_fault` finds in a field is refused (400) before any serializer sees it: it could not be stored, and
    could not be repeated in an error either.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        body = stream.read(LARGEST_BODY + 1)
        if len(body) > LARGEST_BODY:
            raise BodyTooLarge
        try:
            parsed: Any = super().parse(io.BytesIO(body), media_type, parser_context)
        except RecursionError as error:
            raise ParseError("JSON parse error - lists and objects are nested too deep") from error
        if not isinstance(parsed, dict):
            raise ParseError("JSON parse error - the body is not an object")
        unfit = json_fault(list(parsed))
        if unfit is not None:
            raise ParseError(f"JSON parse error - in the name of a field: {unfit}")
        faults = {name: json_fault(value) for name, value in parsed.items()}
        if any(faults.values()):
            raise ValidationError({name: [fault] for name, fault in faults.items() if fault is not None})
        return parsed
