"""The API's own description: OpenAPI 3, and a page to read it and try it."""

from typing import Any

from django.conf import settings
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from studies.api.research.authentication import TokenAuthentication
from studies.api.research.permissions import IsResearcher
from studies.api.research.throttles import RequestThrottle


class SchemaView(SpectacularAPIView):
    """For researchers alone: it names what annotators are not told of."""

    authentication_classes: list[Any] = [TokenAuthentication, SessionAuthentication]
    permission_classes: list[Any] = [IsResearcher]
    throttle_classes: list[Any] = [RequestThrottle]
    renderer_classes: list[Any] = [OpenApiJsonRenderer]

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return response


class DocsView(SpectacularSwaggerSplitView):
    """The page: its script stands apart, so the usual content security policy holds."""

    authentication_classes: list[Any] = [TokenAuthentication, SessionAuthentication]
    permission_classes: list[Any] = [IsResearcher]
    throttle_classes: list[Any] = [RequestThrottle]
    template_name = "api/docs.html"
    url_name = "api_schema"
    title = str(settings.SPECTACULAR_SETTINGS["TITLE"])
