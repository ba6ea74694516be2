"""How large a request may be: refused by its header, before anything of it is read."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

LARGEST_BODY = 4 * 1024 * 1024


class BodySizeMiddleware:
    """Reply 413 to a request with a larger body than its view takes.

    A view takes `LARGEST_BODY` bytes, or as many as its attribute `largest_body` says (of a class, if it is made of
    one). Without this, whoever sends a form with a file fills the disk of the server, logged in or not: CSRF checks
    read the form. A body without a length is none for Django, so it is no way around.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if _announced(request) <= _largest(view):
            return None
        if request.content_type == "application/json":
            return JsonResponse({"detail": f"the body is larger than {_largest(view)} bytes"}, status=413)
        return render(request, "413.html", status=413)


def _announced(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    # Servers refuse what is no number, and Django takes it as none.
    return int(length) if length.isdecimal() else 0


def _largest(view: Any) -> int:
    made_of = getattr(view, "cls", None) or getattr(view, "view_class", None) or view
    largest: int = getattr(made_of, "largest_body", LARGEST_BODY)
    return largest
