"""What researchers do about builds from their pages: write a config, start, cancel, try again, remove."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from studies.builds.asking import BuildError, build_cancel, build_queue, build_remove, build_retry
from studies.builds.configs import ConfigError, checked_config
from studies.builds.selectors import build_for
from studies.dashboard.build_forms import UNNAMED, ConfigForm, example_names, example_text
from studies.dashboard.build_outlook import Outlook, outlook_of
from studies.dashboard.build_rows import workers_at_work
from studies.dashboard.builds import build_response
from studies.models import Build, User
from studies.roles import is_researcher, studies_for

View = Callable[[HttpRequest, Build], HttpResponseBase]
AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with a config, and the line of it where one is known."""

    text: str
    line: int | None


def faults_of(error: ConfigError) -> list[Fault]:
    """Return what the error says, each fault for itself."""
    found = []
    for text in str(error).splitlines():
        line = AT_LINE.search(text)
        found.append(Fault(text, int(line[1]) if line else None))
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def new(request: HttpRequest) -> HttpResponse:
    """GET: a config to write, from `?example` or from an earlier `?build`; POST: check it, or start its build."""
    if not is_researcher(request.user):
        raise Http404("only researchers have builds")
    if request.method != "POST":
        return _new_page(request, ConfigForm(initial=_start(request)))
    form = ConfigForm(request.POST, request.FILES)
    if not form.is_valid():
        return _new_page(request, form, status=HTTPStatus.BAD_REQUEST)
    text, name = form.cleaned_data["text"], form.cleaned_data["file_name"]
    # What came as a file is shown, too.
    again = ConfigForm(initial={"text": text, "file_name": name})
    try:
        outlook = outlook_of(checked_config(text, name), name)
        if request.POST.get("do") == "start":
            made = build_queue(owner=cast(User, request.user), text=text, file_name=name)
            return redirect("build", made.key)
    except ConfigError as error:
        again.fields["text"].widget.attrs |= {"aria-invalid": "true", "aria-describedby": "config-faults"}
        return _new_page(request, again, faults=faults_of(error), status=HTTPStatus.BAD_REQUEST)
    except BuildError as error:
        return _new_page(request, again, refused=str(error), outlook=outlook, status=HTTPStatus.CONFLICT)
    return _new_page(request, again, outlook=outlook)


def _start(request: HttpRequest) -> dict[str, str]:
    """Return what the address asks to start from; nothing where it names nothing that there is."""
    example = request.GET.get("example", "")
    text = example_text(example)
    if text is not None:
        return {"text": text, "file_name": f"{example}.toml"}
    earlier = request.GET.get("build", "")
    if earlier:
        try:
            build = build_for(request.user, UUID(earlier))
        except ValueError as error:
            raise Http404("there is no such build") from error
        return {"text": build.config, "file_name": build.file_name}
    return {"file_name": UNNAMED}


def _new_page(
    request: HttpRequest,
    form: ConfigForm,
    *,
    faults: list[Fault] | None = None,
    refused: str = "",
    outlook: Outlook | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    context: Mapping[str, Any] = {
        "form": form,
        "faults": faults,
        "refused": refused,
        "outlook": outlook,
        "replaced": None if outlook is None else studies_for(request.user).filter(slug=outlook.slug).first(),
        "is_typed": request.method == "POST",
        "examples": example_names(),
        "example": request.GET.get("example"),
        "by_workers": settings.BUILDS == "celery",
        "at_work": workers_at_work(),
    }
    return render(request, "dashboard/build_new.html", context, status=status)


def build_change(*methods: str) -> Callable[[View], Callable[..., HttpResponseBase]]:
    """Decorate a page that changes a build by POST, and answers other `methods` too; 404 to those whose it is not.

    What a service refuses is told on the build's page.
    """

    def decorate(view: View) -> Callable[..., HttpResponseBase]:
        @require_http_methods(["POST", *methods])
        @never_cache
        @login_required
        @wraps(view)
        def wrapped(request: HttpRequest, key: UUID) -> HttpResponseBase:
            build = build_for(request.user, key)
            try:
                return view(request, build)
            except BuildError as error:
                messages.error(request, str(error))
                return redirect("build", key)

        return wrapped

    return decorate


@build_change("GET", "HEAD")
def cancel(request: HttpRequest, build: Build) -> HttpResponse:
    """GET: ask whether the build is to be cancelled; POST: do it."""
    if request.method != "POST":
        return render(request, "dashboard/build_confirm.html", {"build": build, "what": "cancel"})
    build_cancel(build=build, actor=cast(User, request.user))
    messages.success(request, _("The build is cancelled. You may go on with it later from what is finished."))
    return redirect("build", build.key)


@build_change()
def retry(request: HttpRequest, build: Build) -> HttpResponse:
    """Go on from what is finished, with the config as it was or as it is sent."""
    if "text" not in request.POST:
        build_retry(build=build, actor=cast(User, request.user))
        return redirect("build", build.key)
    form = ConfigForm(request.POST)
    if not form.is_valid():
        return build_response(request, build, retry_form=form, status=HTTPStatus.BAD_REQUEST)
    text = form.cleaned_data["text"]
    try:
        build_retry(build=build, actor=cast(User, request.user), text=None if text == build.config else text)
    except ConfigError as error:
        return build_response(request, build, retry_form=form, faults=faults_of(error), status=HTTPStatus.BAD_REQUEST)
    return redirect("build", build.key)


@build_change("GET", "HEAD")
def remove(request: HttpRequest, build: Build) -> HttpResponse:
    """GET: ask whether the build is to be removed; POST: do it. The study stays."""
    if request.method != "POST":
        return render(request, "dashboard/build_confirm.html", {"build": build, "what": "remove"})
    build_remove(build=build, actor=cast(User, request.user))
    messages.success(request, _("The build is removed."))
    return redirect("builds")
