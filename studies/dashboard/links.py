"""The researchers' page of how people come into a study: its links, the way from Prolific, and erasing the ids."""

from dataclasses import dataclass
from typing import cast

from django.contrib import messages
from django.core.paginator import Page
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from studies.dashboard.forms import LinksForm
from studies.dashboard.pages import numbered, page, study_change
from studies.models import ExternalIdentity, Link, Participation, Study, User
from studies.recruiting.prolific import PARAMETERS
from studies.recruiting.selectors import current_spec, link_state, places
from studies.services.identities import identities_erase
from studies.services.links import LinkError, link_revoke, links_create

OUTCOMES = [state for state in Participation.State.values if state != Participation.State.ACTIVE]


@dataclass(frozen=True)
class LinkRow:
    """A link in the list. `ended` is why it lets in nobody new, "" if it does."""

    link: Link
    used: int
    address: str
    ended: str


@study_change("GET", "HEAD")
def links(request: HttpRequest, study: Study) -> HttpResponse:
    """GET: the links by which people come into the study; POST: make more of them."""
    if request.method != "POST":
        return _links_page(request, study, LinksForm())
    form = LinksForm(request.POST)
    if form.is_valid():
        try:
            made = links_create(study=study, actor=cast(User, request.user), **form.cleaned_data)
        except LinkError as error:
            form.add_error(None, str(error))
        else:
            said = ngettext("The link is made.", "{count} links are made.", len(made))
            messages.success(request, said.format(count=len(made)))
            return redirect("dashboard_links", study.slug)
    return _links_page(request, study, form, status=400)


def _links_page(request: HttpRequest, study: Study, form: LinksForm, *, status: int = 200) -> HttpResponse:
    listed = (
        Link.objects.filter(study=study)
        .select_related("created_by")
        .annotate(used=Count("uses"))
        .order_by("-created_at", "-pk")
    )
    spec = current_spec(study)
    prolific = spec.recruitment.prolific
    pages: Page[Link] = numbered(request, listed)
    context = {
        "rows": pages,
        "links": [_row(request, link) for link in pages],
        "form": form,
        "named": _named(study),
        "places": places(study, spec),
        "prolific": prolific,
        "codes": [] if prolific is None else [(outcome, getattr(prolific, outcome)) for outcome in OUTCOMES],
        "prolific_address": _prolific_address(request, study),
    }
    return page(request, study, "dashboard/links.html", tab="dashboard_links", status=status, **context)


def _row(request: HttpRequest, link: Link) -> LinkRow:
    used: int = vars(link)["used"]
    ended = link_state(link, used)
    address = request.build_absolute_uri(reverse("join", args=[link.token]))
    return LinkRow(link, used, address, "" if ended is None else ended.value)


def _prolific_address(request: HttpRequest, study: Study) -> str:
    """Return the study's address as Prolific wants it: with placeholders that it fills in."""
    query = "&".join(f"{name}={{{{%{name}%}}}}" for name in PARAMETERS)
    return f"{request.build_absolute_uri(reverse('prolific', args=[study.slug]))}?{query}"


def _named(study: Study) -> int:
    return ExternalIdentity.objects.filter(study=study, erased_at=None).count()


@study_change()
def revoke(request: HttpRequest, study: Study, pk: int) -> HttpResponse:
    """Let nobody in by a link any more."""
    link = get_object_or_404(Link.objects.select_related("study"), study=study, pk=pk)
    if link_revoke(link=link, actor=cast(User, request.user)):
        messages.success(request, _("The link lets nobody in any more. Those who are in stay."))
    return redirect("dashboard_links", study.slug)


@study_change("GET", "HEAD", of_archived=True)
def erase(request: HttpRequest, study: Study) -> HttpResponse:
    """GET: ask whether the ids of the recruitment service are to be erased; POST: do it, also in an archived study."""
    if request.method != "POST":
        named = _named(study)
        return page(request, study, "dashboard/confirm_erase.html", tab="dashboard_links", named=named)
    erased = identities_erase(study=study, actor=cast(User, request.user))
    said = ngettext("The ids of one person are erased.", "The ids of {count} people are erased.", erased)
    messages.success(request, said.format(count=erased))
    return redirect("dashboard_links", study.slug)
