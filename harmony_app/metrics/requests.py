"""Requests as they are answered, and log-ins that are refused. Every process of the server counts for itself."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Gauge, Histogram

from studies.counts import REGISTRY

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PICTURE = "picture"

SECONDS = Histogram(
    "harmony_request_seconds",
    "Requests by view, method and class of the status, with how long the reply took.",
    ["view", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=REGISTRY,
)
UNDER_WAY = Gauge(
    "harmony_requests_under_way", "Requests that are being answered.", registry=REGISTRY, multiprocess_mode="livesum"
)
PICTURES_SERVED = Counter("harmony_pictures_served", "Pictures of trials that were sent.", registry=REGISTRY)
LOG_INS_REFUSED = Counter(
    "harmony_log_ins_refused",
    "Log-ins that failed: by a wrong name or password, or because too many had failed before.",
    ["reason"],
    registry=REGISTRY,
)


class MetricsMiddleware:
    """Count each request by the name of its view; never by its path, which anybody may make up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        # Looking a child up by its labels takes longer than counting.
        self._children: dict[tuple[str, str, int], Histogram] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        UNDER_WAY.inc()
        began = time.perf_counter()
        try:
            response = self.get_response(request)
        finally:
            UNDER_WAY.dec()
        view = view_name(request)
        key = view, request.method or "", response.status_code // 100
        child = self._children.get(key)
        if child is None:
            method = request.method if request.method in METHODS else "other"
            child = SECONDS.labels(view, method, f"{key[2]}xx")
            if method != "other":
                self._children[key] = child
        child.observe(time.perf_counter() - began)
        if view == PICTURE and response.status_code == 200 and request.method == "GET":
            PICTURES_SERVED.inc()
        return response


def view_name(request: HttpRequest) -> str:
    """Return the name of the view that answered; of Django's admin one for all its pages, so that there are few."""
    match = request.resolver_match
    if match is None:
        return "static" if request.path.startswith(settings.STATIC_URL) else "none"
    if "admin" in match.app_names:
        return "admin"
    return match.view_name or "unnamed"


def _count_refusal(request: HttpRequest | None = None, **_: object) -> None:
    is_locked_out = bool(getattr(request, "axes_locked_out", False))
    LOG_INS_REFUSED.labels("locked_out" if is_locked_out else "credentials").inc()


user_login_failed.connect(_count_refusal, dispatch_uid="harmony_app.metrics.log_ins_refused")
