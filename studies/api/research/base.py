"""What all views of the researchers' API have in common."""

from collections.abc import Sequence
from typing import Any, cast

from rest_framework import status
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from studies.api.research.authentication import TokenAuthentication
from studies.api.research.permissions import IsResearcher
from studies.api.research.throttles import RequestThrottle
from studies.api.strict import StrictSerializer, paged, read_query
from studies.models import Study, User
from studies.roles import study_for


class ResearchView(APIView):
    """For researchers, by token or log-in. Studies that are not theirs are none to them (404)."""

    authentication_classes = (TokenAuthentication, SessionAuthentication)
    permission_classes = (IsResearcher,)
    throttle_classes: Sequence[type[BaseThrottle]] = (RequestThrottle,)

    def user(self, request: Request) -> User:
        return cast(User, request.user)

    def study(self, request: Request, slug: str, *related: str) -> Study:
        return study_for(self.user(request), slug, *related)

    def list(self, request: Request, rows: Any, query: dict[str, Any], row: type[BaseSerializer[Any]]) -> Response:
        """Reply with a page of rows."""
        return Response(paged(request, rows, query, lambda listed: list(row(listed, many=True).data)))

    def query(self, request: Request, serializer: type[StrictSerializer]) -> dict[str, Any]:
        return read_query(request, serializer)


def conflict(error: Exception, code: str) -> Response:
    """Reply (409) that the study as it is now does not allow what was asked."""
    return Response({"code": code, "detail": str(error)}, status=status.HTTP_409_CONFLICT)
