"""Security headers: a content security policy without inline scripts, and the usual company."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import ParamSpec

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from studies.runner_page import CSP_CHANGES

CSP_HEADER = "Content-Security-Policy"

POLICY: Mapping[str, tuple[str, ...]] = {
    "default-src": ("'self'",),
    "img-src": ("'self'", "blob:", "data:"),
    "style-src": ("'self'",),
    "object-src": ("'none'",),
    "frame-ancestors": ("'none'",),
    "base-uri": ("'self'",),
    "form-action": ("'self'",),
}

OTHER_HEADERS: Mapping[str, str] = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

Parameters = ParamSpec("Parameters")


def policy_text(changes: Mapping[str, tuple[str, ...]] | None = None) -> str:
    """Return the value of the policy's header, with some directives replaced by `changes`."""
    directives = {**POLICY, **(changes or {})}
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())


def content_security_policy(
    changes: Mapping[str, tuple[str, ...]],
) -> Callable[[Callable[Parameters, HttpResponse]], Callable[Parameters, HttpResponse]]:
    """Decorate a view whose pages need other sources, e.g. `{"style-src": ("'self'", "'unsafe-inline'")}`."""

    def decorate(view: Callable[Parameters, HttpResponse]) -> Callable[Parameters, HttpResponse]:
        @wraps(view)
        def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> HttpResponse:
            response = view(*args, **kwargs)
            response.headers[CSP_HEADER] = policy_text(changes)
            return response

        return wrapped

    return decorate


class SecurityHeadersMiddleware:
    """Give every response the policy, unless its view set one, and the other headers.

    Apps that cannot import the decorator ask for other sources with `request.META[CSP_CHANGES]`, in the same form.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault(CSP_HEADER, policy_text(request.META.get(CSP_CHANGES)))
        for name, value in OTHER_HEADERS.items():
            response.headers.setdefault(name, value)
        return response
