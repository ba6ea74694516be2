"""The pages of builds that only read: the list, one build, how far it is, its config and its log."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studies.builds.selectors import build_for, build_progress, builds_for
from studies.dashboard.build_forms import ConfigForm
from studies.dashboard.build_results import facts_of, results_of
from studies.dashboard.build_rows import build_rows, lasted, stages_of
from studies.dashboard.pages import numbered
from studies.models import Build
from studies.roles import is_researcher

PER_PAGE = 25
SHARED = 1.2
"""Where the work took so many times as long as its stage, several did it at once, and both times are told."""


@require_safe
@never_cache
@login_required
def builds(request: HttpRequest) -> HttpResponse:
    """List the user's builds, the newest first; an admin's list has everyone's."""
    if not is_researcher(request.user):
        raise Http404("only researchers have builds")
    rows = numbered(request, builds_for(request.user), PER_PAGE)
    return render(request, "dashboard/builds.html", {"rows": rows, "listed": build_rows(list(rows))})


@require_safe
@never_cache
@login_required
def build(request: HttpRequest, key: UUID) -> HttpResponse:
    """Show how far a build is, what came of it, its log and its config; 404 to those whose it is not."""
    return build_response(request, build_for(request.user, key))


@require_safe
@never_cache
@login_required
def progress(request: HttpRequest, key: UUID) -> HttpResponse:
    """What changes on a build's page, and the lines of its log `?after` one, for the script that keeps it fresh."""
    found = build_for(request.user, key)
    after = request.GET.get("after", "")
    # Longer numbers are none of a database's.
    last = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else 0
    return render(request, "dashboard/_build_fresh.html", _context(found, lines_after=last))


@require_safe
@never_cache
@login_required
def config_file(request: HttpRequest, key: UUID) -> HttpResponse:
    """The config as it was sent."""
    found = build_for(request.user, key)
    return _text_file(found.config, f"{found.name}.toml", "application/toml")


@require_safe
@never_cache
@login_required
def log_file(request: HttpRequest, key: UUID) -> HttpResponse:
    """The lines of the log that are kept, each with time, level and worker."""
    found = build_for(request.user, key)
    lines = (
        f"{line.at:%Y-%m-%dT%H:%M:%S%z}\t{line.level}\t{line.worker}\t{line.text}\n"
        for line in found.lines.order_by("pk")
    )
    return _text_file("".join(lines), f"{found.name}-log.txt", "text/plain")


def build_response(
    request: HttpRequest,
    build: Build,
    *,
    retry_form: ConfigForm | None = None,
    faults: Sequence[Any] = (),
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    """Return a build's page; with `retry_form` and `faults` if another try was refused."""
    context = _context(build) | {"faults": faults}
    if retry_form is not None:
        context["retry_form"] = retry_form
    return render(request, "dashboard/build.html", context, status=status)


def _context(build: Build, *, lines_after: int = 0) -> dict[str, Any]:
    found = build_progress(build, lines_after=lines_after)
    return {
        "build": build,
        "progress": found,
        "stages": stages_of(build, found),
        "timings": [
            (timing, timing.seconds > SHARED * timing.elapsed) for timing in found.timings if timing.elapsed is not None
        ],
        "lasted": lasted(build, timezone.now()),
        "results": results_of(build.manifest),
        "facts": facts_of(build.manifest),
        "by_workers": settings.BUILDS == "celery" and not build.host,
        "retry_form": ConfigForm(initial={"text": build.config, "file_name": build.file_name}),
        "words": {"again": _("Try again"), "resume": _("Go on with it")},
    }


def _text_file(text: str, name: str, content_type: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type=f"{content_type}; charset=utf-8", headers=headers)
