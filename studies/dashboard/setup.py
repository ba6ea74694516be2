"""The researchers' pages of how a study is run: protocol, links, results, log and settings. They only read."""

from collections.abc import Sequence

from django.db.models import Count
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse

from studies.dashboard.forms import CopyForm, ProtocolForm, ResearcherForm
from studies.dashboard.pages import numbered, page, study_page
from studies.exports.files import FILES
from studies.models import AuditEntry, Protocol, Study
from studies.protocol.faults import Fault
from studies.protocol.writing import write_protocol
from studies.selectors_protocol import protocol_text


@study_page
def protocol_version(request: HttpRequest, study: Study, version: int) -> HttpResponse:
    """Show one version of the protocol."""
    found = Protocol.objects.select_related("created_by").filter(study=study, version=version).first()
    if found is None:
        raise Http404("the protocol has no such version")
    return protocol_page(request, study, shown=found)


@study_page
def protocol_file(request: HttpRequest, study: Study, version: int) -> HttpResponse:
    """Send one version of the protocol as a TOML file."""
    found = Protocol.objects.filter(study=study, version=version).first()
    if found is None:
        raise Http404("the protocol has no such version")
    headers = {"Content-Disposition": f'attachment; filename="{study.slug}-protocol-{version}.toml"'}
    return HttpResponse(protocol_text(found), content_type="application/toml; charset=utf-8", headers=headers)


def protocol_page(
    request: HttpRequest,
    study: Study,
    form: Form | None = None,
    *,
    shown: Protocol | None = None,
    faults: Sequence[Fault] = (),
    status: int = 200,
) -> HttpResponse:
    """Show a version of the protocol (the newest, unless said otherwise), all versions, and the form for the next."""
    versions = list(
        Protocol.objects.filter(study=study)
        .select_related("created_by")
        .annotate(annotators=Count("participations"))
        .order_by("-version")
    )
    newest = versions[0] if versions else None
    shown = shown or newest
    # What is in force is where the next version starts from; without a protocol, what the study's columns say.
    start = write_protocol(study.plain_spec) if newest is None else protocol_text(newest)
    context = {
        "versions": versions,
        "newest": newest,
        "shown": shown,
        "spec": study.plain_spec if shown is None else shown.spec,
        "text": "" if shown is None else protocol_text(shown),
        "form": ProtocolForm(initial={"text": start}) if form is None else form,
        "faults": faults,
    }
    return page(request, study, "dashboard/protocol.html", tab="dashboard_protocol", status=status, **context)


@study_page
def exports(request: HttpRequest, study: Study) -> HttpResponse:
    """Lead to the report and to every file that can be downloaded."""
    return page(request, study, "dashboard/exports.html", tab="dashboard_exports", files=FILES)


@study_page
def audit(request: HttpRequest, study: Study) -> HttpResponse:
    """Show what was changed, the newest first."""
    entries = AuditEntry.objects.filter(study=study).select_related("actor").order_by("-at", "-pk")
    return page(request, study, "dashboard/audit.html", tab="dashboard_audit", rows=numbered(request, entries))


def settings_page(request: HttpRequest, study: Study, *, copy: Form | None = None, status: int = 200) -> HttpResponse:
    """Show the state of the study, who runs it, and what can be done with it as a whole."""
    collaborators = study.collaborators.select_related("user").order_by("user__username")
    initial = {"slug": f"{study.slug}-copy"[:100], "title": study.title}
    context = {
        "collaborators": collaborators,
        "researcher_form": ResearcherForm(auto_id="collaborator_%s"),
        "owner_form": ResearcherForm(auto_id="owner_%s"),
        "copy_form": copy or CopyForm(initial=initial, auto_id="copy_%s"),
    }
    return page(request, study, "dashboard/settings.html", tab="dashboard_settings", status=status, **context)


@study_page
def settings(request: HttpRequest, study: Study) -> HttpResponse:
    """The study's settings."""
    return settings_page(request, study)
