"""How the API describes itself: what drf-spectacular does not see by itself."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema as SpectacularSchema
from drf_spectacular.utils import Direction

PROBLEM = {
    "type": "object",
    "properties": {"detail": {"type": "string"}, "code": {"type": "string"}},
    "required": ["detail"],
}
FAULTS = {
    "type": "object",
    "description": "What is wrong, by field: lists of messages; or one message as `detail`.",
    "additionalProperties": {},
}
BODY_METHODS = ("POST", "PUT", "PATCH")
REFUSALS = {
    400: "Malformed.",
    401: "Without a token or log-in, or with a token that is not valid.",
    403: "Not for this user.",
    404: "There is no such thing among yours.",
    406: "The Accept header allows nothing that this comes as.",
    409: "The study, as it is now, does not allow it.",
    413: "The body is too large.",
    415: "The body is of another type.",
    429: "Too many requests; Retry-After says when to try again.",
}


class AutoSchema(SpectacularSchema):
    """Adds what every operation may be refused with."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        for status in sorted(self._refusals()):
            body = FAULTS if status == 400 else PROBLEM
            refusal = {"description": REFUSALS[status], "content": {"application/json": {"schema": body}}}
            operation["responses"].setdefault(str(status), refusal)
        operation["responses"] = dict(sorted(operation["responses"].items()))
        return operation

    def get_tags(self) -> list[str]:
        return ["Researchers"] if self.view.throttle_classes else ["Annotators"]

    def _refusals(self) -> set[int]:
        statuses = {400, 403, 406}
        if self.view.throttle_classes:
            statuses |= {401, 429}
        if "{" in self.path:
            statuses.add(404)
        if self.method in BODY_METHODS:
            statuses |= {409, 413, 415}
        return statuses


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "studies.api.research.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: SpectacularSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A token from the page of your access tokens."}


class StrictFields(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    target_class = "studies.api.strict.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: SpectacularSchema, direction: Direction) -> dict[str, Any]:
        described: dict[str, Any] = auto_schema._map_serializer(  # type: ignore[no-untyped-call]
            self.target, direction, bypass_extensions=True
        )
        return {**described, "additionalProperties": False}
