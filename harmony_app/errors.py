"""Errors that no view answers for: a page for people, and JSON for programs."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

API = "/api/"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _told(request, 400, "Bad request.", lambda: defaults.bad_request(request, exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _told(request, 404, "There is no such address.", lambda: defaults.page_not_found(request, exception))


def server_error(request: HttpRequest) -> HttpResponse:
    return _told(request, 500, "The server failed.", lambda: defaults.server_error(request))


def _told(request: HttpRequest, status: int, detail: str, page: Callable[[], HttpResponse]) -> HttpResponse:
    if request.path.startswith(API):
        return JsonResponse({"detail": detail}, status=status)
    return page()
