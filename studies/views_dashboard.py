"""The researchers' pages: what a study looks like from the other side. They only read."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studies.roles import is_researcher, studies_for
from studies.selectors_dashboard import study_rows


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
