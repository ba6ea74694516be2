"""The page of a researcher's access tokens."""

from datetime import timedelta
from typing import ClassVar, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from studies.models import ApiToken, User
from studies.roles import is_researcher
from studies.services.tokens import TokenError, token_make, token_revoke


class TokenForm(forms.Form):
    """A token to be made."""

    LIFETIMES: ClassVar = [
        ("30", gettext_lazy("30 days")),
        ("90", gettext_lazy("90 days")),
        ("365", gettext_lazy("one year")),
        ("", gettext_lazy("until I revoke it")),
    ]

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=60,
        help_text=gettext_lazy("What will use it, such as “analysis notebook”."),
    )
    days = forms.ChoiceField(label=gettext_lazy("Valid for"), choices=LIFETIMES, required=False, initial="90")


def _researcher(request: HttpRequest) -> User:
    if not is_researcher(request.user):
        raise Http404("only researchers have tokens")
    return cast(User, request.user)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def tokens(request: HttpRequest) -> HttpResponse:
    """GET: list the user's tokens; POST: make one, and show its secret this once."""
    user = _researcher(request)
    form = TokenForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        days = form.cleaned_data["days"]
        expires_at = timezone.now() + timedelta(days=int(days)) if days else None
        try:
            _token, secret = token_make(user=user, name=form.cleaned_data["name"], expires_at=expires_at)
            form = TokenForm()
        except TokenError as error:
            form.add_error("name", str(error))
    context = {
        "form": form,
        "secret": secret,
        "tokens": ApiToken.objects.filter(user=user, revoked_at=None).order_by("-created_at", "-pk"),
    }
    return render(request, "dashboard/tokens.html", context, status=400 if form.errors else 200)


@require_POST
@never_cache
@login_required
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the user's tokens."""
    if not token_revoke(user=_researcher(request), pk=pk):
        raise Http404("there is no such token among yours")
    messages.success(request, _("The token is revoked. Programs that have it are refused from now on."))
    return redirect("api_tokens")
