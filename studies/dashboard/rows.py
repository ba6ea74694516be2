"""The researchers' pages of annotators and trials. They only read; roles of maps are shown."""

from statistics import median
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from studies.dashboard.pages import numbered, one_of, page, study_page
from studies.dashboard.reaction_chart import Mark, reaction_chart
from studies.dashboard.selectors import annotator_rows
from studies.dashboard.sessions import (
    Session,
    annotator_session,
    choices_of,
    participation_of,
    trial_answers,
    trial_of,
    trial_rows,
)
from studies.models import Condition, Participation, Study, Trial
from studies.templatetags.dashboard import milliseconds, name

ANNOTATOR_FILTERS = (*Participation.State.values, "excluded", "flagged")


@study_page
def annotators(request: HttpRequest, study: Study) -> HttpResponse:
    """List the annotators, those who answered last first; `?state=` leaves one kind."""
    state = one_of(request.GET.get("state"), ANNOTATOR_FILTERS)
    rows = numbered(request, annotator_rows(study, state=state))
    context: dict[str, Any] = {"rows": rows, "state": state, "states": ANNOTATOR_FILTERS}
    return page(request, study, "dashboard/annotators.html", tab="dashboard_annotators", **context)


@study_page
def annotator(request: HttpRequest, study: Study, code: str) -> HttpResponse:
    """Show one annotator's session in the order of time."""
    participation = participation_of(study, code)
    if participation is None:
        raise Http404("no annotator of this study has this code")
    session = annotator_session(participation)
    timed = [given for given in session.answers if given.assignment.round == 0 and not given.is_timeout]
    times = [given.response.rt_ms for given in timed]
    context: dict[str, Any] = {
        "participation": participation,
        "session": session,
        "findings": participation.findings.all(),
        "median_ms": median(times) if times else None,
        "chart": _chart(session, participation.code),
    }
    return page(request, study, "dashboard/annotator.html", tab="dashboard_annotators", **context)


def _chart(session: Session, code: str) -> str:
    """Return the chart of an annotator's reaction times, without practice and timeouts; nothing if there are none."""
    timed = [given for given in session.answers if given.assignment.round == 0 and not given.is_timeout]
    if not timed:
        return ""
    middle = median(given.response.rt_ms for given in timed)
    marks = [
        Mark(
            place=place,
            rt_ms=given.response.rt_ms,
            kind=given.assignment.kind,
            is_flagged=bool(given.response.flags),
            label=f"{place}: {milliseconds(given.response.rt_ms)}, {name(given.assignment.kind)}",
        )
        for place, given in enumerate(timed, start=1)
    ]
    title = _("Reaction times of {code}: {number} answers, median {median}, from {least} to {most}.").format(
        code=code,
        number=len(timed),
        median=milliseconds(middle),
        least=milliseconds(min(mark.rt_ms for mark in marks)),
        most=milliseconds(max(mark.rt_ms for mark in marks)),
    )
    return reaction_chart(marks, median_ms=middle, title=title, axis=_("answers in order"))


@study_page
def trials(request: HttpRequest, study: Study) -> HttpResponse:
    """List the trials; `?condition=`, `?kind=` and `?search=` leave some."""
    conditions = list(Condition.objects.filter(study=study).order_by("dataset", "metric", "network", "attributor"))
    chosen = one_of(request.GET.get("condition"), [str(condition.pk) for condition in conditions])
    kind = one_of(request.GET.get("kind"), Trial.Kind.values)
    search = request.GET.get("search", "").replace("\0", "").strip()[:200]
    found = trial_rows(study, condition=int(chosen) if chosen else None, kind=kind, search=search)
    rows = numbered(request, found)
    choices = choices_of(list(rows))
    context: dict[str, Any] = {
        "rows": rows,
        "listed": [(trial, choices[trial.pk]) for trial in rows],
        "conditions": conditions,
        "condition": chosen,
        "kind": kind,
        "kinds": Trial.Kind.values,
        "search": search,
    }
    return page(request, study, "dashboard/trials.html", tab="dashboard_trials", **context)


@study_page
def trial(request: HttpRequest, study: Study, pk: int) -> HttpResponse:
    """Show one trial with its pictures by their roles, and all its answers."""
    found = trial_of(study, pk)
    if found is None:
        raise Http404("this study has no such trial")
    context: dict[str, Any] = {"trial": found, "answers": trial_answers(found)}
    return page(request, study, "dashboard/trial.html", tab="dashboard_trials", **context)
