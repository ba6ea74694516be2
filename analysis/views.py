"""The report's pages, for those who run the study.

The analysis is imported when a report is asked for: SciPy, pandas and Altair take more than a second, which web workers
that serve trials should not wait for.
"""

from http import HTTPStatus

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studies.language import in_language
from studies.models import Study
from studies.roles import study_for


@require_safe
@never_cache
@login_required
@in_language("en")
def report_page(request: HttpRequest, slug: str) -> HttpResponse:
    """The report of a study as it stands now; 404 for those who do not run it.

    Where the answers do not fit the study, the page says why, with status 409.
    """
    from analysis.measures.judgements import FrameError
    from analysis.pages import report_context
    from analysis.reports import NoResponsesError
    from analysis.study_report import study_report

    study = study_for(request.user, slug)
    try:
        context = report_context(study_report(study).report)
    except NoResponsesError:
        context = {"study": study, "report": None}
    except FrameError as error:
        return _no_report(request, study, error)
    return render(request, "analysis/report_page.html", context)


@require_safe
@never_cache
@login_required
@in_language("en")
def report_download(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One of the report's files as a download; 404 for those who do not run the study.

    It is 404 as well where nobody has answered yet. Where the answers do not fit the study, the reply is a page that
    says why, with status 409.
    """
    from analysis.measures.judgements import FrameError
    from analysis.reports import NoResponsesError
    from analysis.study_report import CONTENT_TYPES, study_report

    study = study_for(request.user, slug)
    if name not in CONTENT_TYPES:
        raise Http404
    try:
        content = study_report(study).file(name)
    except NoResponsesError as error:
        raise Http404(str(error)) from error
    except FrameError as error:
        return _no_report(request, study, error)
    stem, _, suffix = name.rpartition(".")
    headers = {"Content-Disposition": f'attachment; filename="{study.slug}-{stem}.{suffix}"'}
    return HttpResponse(content, content_type=CONTENT_TYPES[name], headers=headers)


def _no_report(request: HttpRequest, study: Study, problem: ValueError) -> HttpResponse:
    """The page that says why the answers cannot be analysed."""
    context = {"study": study, "report": None, "problem": str(problem)}
    return render(request, "analysis/report_page.html", context, status=HTTPStatus.CONFLICT)
