"""The addresses that load balancers, start scripts and process managers ask: does the site live, can it serve?"""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from harmony_app.health_parts import DATABASE, PARTS, Status
from harmony_app.operators import has_token, is_admins


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Reply 200 where this process answers and the database does, 503 where the database is away."""
    finding, _ = DATABASE.report()
    return JsonResponse({"status": finding.status}, status=200 if finding.status is Status.OK else 503)


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Say how each part that the site needs is; 503 where one is away without which nobody can answer trials.

    `degraded`: annotators can work, but something else stands still, such as reports or builds. Everybody sees words;
    reasons and times are for admins and for whoever brings the token of the metrics.
    """
    for part in PARTS:
        part.bounded.begin()
    found = [(part, *part.report()) for part in PARTS]
    database_answers = found[0][1].status is Status.OK
    is_told = has_token(request) or (database_answers and is_admins(request))
    parts: dict[str, dict[str, Any]] = {}
    for part, finding, ms in found:
        parts[part.name] = {"status": finding.status}
        if is_told:
            parts[part.name] |= {"ms": round(ms, 1), "reason": finding.reason}
    cannot_serve = any(part.is_vital and finding.status is not Status.OK for part, finding, _ in found)
    stands_still = any(is_missing(part.name, finding.status) for part, finding, _ in found)
    status = "failed" if cannot_serve else "degraded" if stands_still else "ok"
    return JsonResponse({"status": status, "parts": parts}, status=503 if cannot_serve else 200)


def is_missing(name: str, status: Status) -> bool:
    """Whether a part is not as it should be. A site without a broker needs none; workers are absent only if needed."""
    return status is Status.FAILED or (name == "workers" and status is Status.ABSENT)
