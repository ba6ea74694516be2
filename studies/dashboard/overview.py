"""The researchers' pages: their studies, and how one of them fills. They only read."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studies.builds.selectors import builds_for
from studies.dashboard.pages import page, study_page
from studies.dashboard.selectors import LATEST, study_numbers, study_rows
from studies.models import Study
from studies.roles import is_researcher, studies_for


@require_safe
@never_cache
@login_required
def dashboard(request: HttpRequest) -> HttpResponse:
    """List the studies that the user runs; with `?archived`, those that were put away."""
    if not is_researcher(request.user):
        raise Http404("only researchers have a dashboard")
    archived = "archived" in request.GET
    studies = studies_for(request.user).filter(archived_at__isnull=not archived).select_related("owner")
    return render(request, "dashboard/studies.html", {"rows": study_rows(studies), "archived": archived})


@study_page
def overview(request: HttpRequest, study: Study) -> HttpResponse:
    """Show how the study fills: conditions, annotators, quality, recent answers and when it may be done.

    Of an imported study it shows what was imported.
    """
    if study.is_imported:
        return page(request, study, "dashboard/imported.html", tab="dashboard_study")
    numbers = study_numbers(study, now=timezone.now())
    return page(
        request,
        study,
        "dashboard/overview.html",
        tab="dashboard_study",
        numbers=numbers,
        most_timed=LATEST,
        made_by=builds_for(request.user).filter(study=study).first(),
    )


@study_page
def numbers(request: HttpRequest, study: Study) -> HttpResponse:
    """The numbers of the overview as a piece of it, for the script that keeps them fresh."""
    context = {"study": study, "numbers": study_numbers(study, now=timezone.now()), "most_timed": LATEST}
    return render(request, "dashboard/_numbers.html", context)
