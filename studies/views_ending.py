"""The pages at the end: what became of an annotator's part, and taking the consent back."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from studies.language import use_language
from studies.models import Participation, User
from studies.protocol.markdown import render_markdown
from studies.recruiting.completion import completion_url
from studies.selectors import participation_find, progress_get
from studies.selectors_flow import Leaving, flow_step, leaving_of, texts_for_everybody
from studies.services.withdrawal import participation_withdraw

Source = Participation.Source


def _participation(request: HttpRequest, slug: str) -> Participation:
    participation = participation_find(slug=slug, annotator=cast(User, request.user))
    if participation is None:
        raise Http404("you do not take part in this study")
    if participation.spec.language is not None:
        use_language(request, participation.spec.language)
    return participation


@require_safe
@never_cache
@login_required
def done(request: HttpRequest, slug: str) -> HttpResponse:
    """Say how the participation ended, or what is left; those who take no part get a 404."""
    participation = _participation(request, slug)
    step = flow_step(participation)
    leaving = leaving_of(participation)
    is_ended = participation.state != Participation.State.ACTIVE
    # All may be entered, but the runner has not come back for the end: it does so with "Continue".
    outcome = step.outcome if participation.protocol is None else participation.state if is_ended else ""
    has_left = leaving in (Leaving.ANSWERS_KEPT, Leaving.NOTHING_KEPT)
    return_address = completion_url(participation)
    context = {
        "study": participation.study,
        "participation": participation,
        "progress": progress_get(participation),
        "outcome": outcome,
        "page_left": step.page if is_ended else None,
        "texts": [
            {"title": text.title, "html": render_markdown(text.markdown)}
            for text in (texts_for_everybody(participation.spec) if has_left else ())
        ],
        "leaving": leaving,
        "return_address": return_address,
        # Their outcome has no code at Prolific, so this is the only way back.
        "must_return": is_ended and participation.source == Source.PROLIFIC and return_address is None,
        "is_account": participation.source in (Source.ACCOUNT, Source.PREVIEW),
        "may_withdraw": not participation.is_preview and leaving in (Leaving.NOT_LEFT, Leaving.ANSWERS_KEPT),
    }
    return render(request, "studies/done.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def withdraw(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask whether to stop and whether to delete the answers, and do it; works without scripts."""
    participation = _participation(request, slug)
    if participation.is_preview:
        raise Http404("a preview has nothing to withdraw")
    error = ""
    if request.method == "POST":
        wish = request.POST.get("answers")
        if wish in ("keep", "delete"):
            participation_withdraw(participation=participation, delete=wish == "delete")
            return redirect("done", slug=slug)
        error = _("Please choose what becomes of your answers.")
    context = {
        "study": participation.study,
        "participation": participation,
        "leaving": leaving_of(participation),
        "error": error,
    }
    return render(request, "studies/withdraw.html", context, status=400 if error else 200)
