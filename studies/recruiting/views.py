"""The pages by which people come into a study: by a link, or from Prolific. Nothing happens before a POST."""

from collections.abc import Mapping

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from studies.language import use_language
from studies.models import Link, Participation, Study, User
from studies.protocol.spec import ProtocolSpec
from studies.recruiting.prolific import Arrival, InvalidArrivalError, identity_of
from studies.recruiting.selectors import (
    Refusal,
    current_spec,
    link_refusal,
    participation_by_link,
    study_refusal,
)
from studies.services.recruitment import JoinRefusedError, NoProlificError, join_by_link, join_from_prolific

# What is over for good, and what may be open again.
STATUS = {Refusal.REVOKED: 410, Refusal.EXPIRED: 410, Refusal.USED_UP: 410}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def join(request: HttpRequest, token: str) -> HttpResponse:
    """GET: say what the link is for; POST: let in whoever follows it."""
    link = Link.objects.select_related("study").filter(token=token).first()
    if link is None:
        return _closed(request, "unknown", status=404)
    spec = _speak(request, link.study)
    guest = _guest(request)
    if request.method != "POST" or _has_to_be_asked(request):
        known = participation_by_link(link, None if guest is None else guest.pk)
        refusal = Refusal.REVOKED if link.revoked_at is not None else None
        if known is None:
            refusal = link_refusal(link, link.study, link.uses.count())
        if refusal is not None:
            return _refused(request, refusal, link.study, spec)
        return _door(request, link.study, known, is_test=link.kind == Link.Kind.TEST)
    # Everything else is decided under the study's lock: what is read here may have changed by then.
    try:
        participation = join_by_link(token=token, user=guest)
    except JoinRefusedError as error:
        return _refused(request, error.refusal, link.study, spec)
    return _enter(request, participation)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def prolific(request: HttpRequest, slug: str) -> HttpResponse:
    """GET: greet whoever comes from Prolific; POST: let them in, or go on where they stopped."""
    study = Study.objects.filter(slug=slug).first()
    spec = None if study is None else _speak(request, study)
    if study is None or spec is None or spec.recruitment.prolific is None:
        return _closed(request, "unknown", status=404)
    try:
        arrival = Arrival.from_parameters(request.POST if request.method == "POST" else request.GET)
    except InvalidArrivalError as error:
        return _closed(request, "no_ids", study=study, parameter=error.parameter, status=400)
    if request.method != "POST" or _has_to_be_asked(request):
        identity = identity_of(study, arrival.person)
        refusal = study_refusal(study) if identity is None else None
        if refusal is not None:
            return _refused(request, refusal, study, spec, is_prolific=True)
        known = None if identity is None else identity.participation
        return _door(request, study, known, hidden=arrival.as_parameters())
    try:
        participation = join_from_prolific(study=study, arrival=arrival)
    except NoProlificError:
        # The protocol has changed since it was looked at above.
        return _closed(request, "unknown", status=404)
    except JoinRefusedError as error:
        return _refused(request, error.refusal, study, spec, is_prolific=True)
    return _enter(request, participation)


def _speak(request: HttpRequest, study: Study) -> ProtocolSpec:
    """Let the page be in the language of the study's protocol, which is returned."""
    spec = current_spec(study)
    if spec.language is not None:
        use_language(request, spec.language)
    return spec


def _guest(request: HttpRequest) -> User | None:
    """Return who is logged in, if that is somebody who came by a link and has no account of their own."""
    user = request.user
    if not user.is_authenticated or user.is_staff or user.is_superuser or user.has_usable_password():
        return None
    return user


def _has_account(request: HttpRequest) -> bool:
    return request.user.is_authenticated and _guest(request) is None


def _has_to_be_asked(request: HttpRequest) -> bool:
    """Whether an account would be logged out whose owner has not agreed to it."""
    return _has_account(request) and request.POST.get("leave") != str(request.user.pk)


def _door(
    request: HttpRequest,
    study: Study,
    known: Participation | None,
    *,
    is_test: bool = False,
    hidden: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Show the page with the button that lets in."""
    context = {
        "study": study,
        "is_back": known is not None and known.annotator_id == request.user.pk,
        "is_test": is_test,
        "is_prolific": hidden is not None,
        "hidden": hidden or {},
        "leaves_account": _has_account(request),
    }
    # Someone with an account who has not agreed: nothing was done.
    status = 409 if request.method == "POST" else 200
    return _private(render(request, "studies/join.html", context, status=status))


def _refused(
    request: HttpRequest, refusal: Refusal, study: Study, spec: ProtocolSpec, *, is_prolific: bool = False
) -> HttpResponse:
    codes = spec.recruitment.code
    code = codes.over_quota if codes is not None and refusal in (Refusal.FULL, Refusal.USED_UP) else None
    return _closed(
        request,
        refusal.value,
        study=study,
        status=STATUS.get(refusal, 403),
        code=code,
        is_prolific=is_prolific,
    )


def _closed(request: HttpRequest, why: str, *, status: int, **context: object) -> HttpResponse:
    return _private(render(request, "studies/join_closed.html", {"why": why, **context}, status=status))


def _private(response: HttpResponse) -> HttpResponse:
    """Keep the address, which holds a token or ids, out of the Referer; its origin is what CSRF checks go by."""
    response.headers["Referrer-Policy"] = "strict-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _enter(request: HttpRequest, participation: Participation) -> HttpResponse:
    """Log the annotator in, in a session of another key, and show the study, or how it has ended for them."""
    if request.user.pk != participation.annotator_id:
        # Another user's session is emptied, an anonymous one gets another key.
        login(request, participation.annotator, backend=settings.AUTHENTICATION_BACKENDS[-1])
    is_active = participation.state == Participation.State.ACTIVE
    return _private(redirect("runner" if is_active else "done", participation.study.slug))
