"""The number of a request, by which its lines in the log, its error page and its tasks are found again."""

import re
import secrets
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from harmony_app.client_address import parsed_address
from harmony_app.log_context import CURRENT, REQUEST_ID_KEY, Context
from harmony_app.logs import access_line

HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9-]{8,64}")


class RequestIdMiddleware:
    """Number each request, say the number in the response, and write the line of the access log.

    A number that a trusted proxy gives is kept. The first of all middleware: the ones after it take a proxy's word for
    the client's address.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        number = _given(request) or secrets.token_hex(8)
        request.META[REQUEST_ID_KEY] = number
        started = time.perf_counter()
        token = CURRENT.set(Context(request_id=number, request=request))
        try:
            response = self.get_response(request)
            response.headers[HEADER] = number
            if settings.LOG_FORMAT == "json":
                access_line(request, response.status_code, 1000 * (time.perf_counter() - started))
        finally:
            CURRENT.reset(token)
        return response


def _given(request: HttpRequest) -> str | None:
    """Return the number from a proxy in `TRUSTED_PROXIES`; none from anyone else, and none that is not sane."""
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    if not given or not settings.TRUSTED_PROXIES or _SANE.fullmatch(given) is None:
        return None
    peer = parsed_address(request.META.get("REMOTE_ADDR", ""))
    if peer is None or not any(peer in network for network in settings.TRUSTED_PROXIES):
        return None
    return str(given)
