"""The annotators' pages and the pictures."""

from typing import cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from studies.blinding import blinded_png
from studies.language import use_language
from studies.models import Participation, User
from studies.picture_bytes import picture_bytes
from studies.roles import is_researcher, pictures_for
from studies.runner_page import allow_plugin_styles, runner_context
from studies.selectors import (
    participation_find,
    picture_shown,
    studies_of_annotator,
)


def _participation(request: HttpRequest, slug: str) -> Participation:
    participation = participation_find(slug=slug, annotator=cast(User, request.user))
    if participation is None:
        raise Http404("you do not take part in this study")
    return participation


@require_safe
@never_cache
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show the annotator's studies, each with progress; to researchers also the way to those that they run."""
    user = cast(User, request.user)
    context = {"studies": studies_of_annotator(user), "is_researcher": is_researcher(user)}
    return render(request, "studies/home.html", context)


@require_safe
@never_cache
@login_required
@ensure_csrf_cookie
def runner(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the page on which trials are answered; those who take no part get a 404."""
    participation = _participation(request, slug)
    context = runner_context(participation)
    if participation.spec.language is not None:
        use_language(request, participation.spec.language)
    allow_plugin_styles(request, participation.spec)
    return render(request, "studies/runner.html", context)


@require_safe
def picture(request: HttpRequest, token: str, slot: str) -> HttpResponse:
    """Send the picture in a slot of an assignment to its own annotator, or to staff; anyone else gets a 404."""
    if not request.user.is_authenticated:
        raise Http404
    shown = picture_shown(token=token, slot=slot, viewer=request.user)
    if shown is None:
        raise Http404
    body = blinded_png(picture_bytes(shown), secret=settings.SECRET_KEY, token=token, slot=slot)
    # Kept by the browser alone, so that a picture loaded ahead is there when its trial comes.
    return HttpResponse(body, content_type="image/png", headers={"Cache-Control": "private, max-age=3600"})


@require_safe
@login_required
def stored_picture(request: HttpRequest, digest: str) -> HttpResponse:
    """Send a picture as it is stored to those who run a study that shows it; anyone else gets a 404."""
    found = get_object_or_404(pictures_for(cast(User, request.user)), digest=digest)
    return HttpResponse(
        picture_bytes(found), content_type="image/png", headers={"Cache-Control": "private, max-age=3600"}
    )
