"""A bucket that fails is said to be away for a while: 503, which the pages of annotators ask again after.

Whoever only looks at something is told so within seconds, so that a bucket that hangs does not hold the server's
threads. What brings something, such as the upload of a bundle, waits longer.
"""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from harmony_app.errors import API
from studies.media import StorageFailedError, hurried

RETRY_SECONDS = 30
LOOKING = ("GET", "HEAD")
_log = logging.getLogger(__name__)


class StorageFailureMiddleware:
    """Reply 503 where a view could not reach the storage. The log has the address and the remedy, the reply has not."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method not in LOOKING:
            return self.get_response(request)
        with hurried():
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, StorageFailedError):
            return None
        _log.error("%s: %s", request.path, exception)
        if request.path.startswith(API):
            detail = "The pictures and reports cannot be reached just now; try again in a minute."
            reply: HttpResponse = JsonResponse({"detail": detail}, status=503)
        else:
            reply = render(request, "503.html", status=503)
        reply.headers["Retry-After"] = str(RETRY_SECONDS)
        return reply
