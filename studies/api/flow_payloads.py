"""What the API tells about a step: the page to show, never what its answers lead to."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse

from studies.api.payloads import assignment_payload
from studies.models import Participation
from studies.protocol.markdown import render_markdown
from studies.protocol.plugins import clean_parameters, plugin_find
from studies.protocol.spec import Consent, FormField, Page, Plugin, Practice, Questionnaire, Text
from studies.selectors import progress_get
from studies.selectors_flow import Step, practice_assignments
from studies.services.pages import page_digest

# What the annotator must not be told: which answers end the participation.
HIDDEN_OF_FIELD = {"screen_out"}


def flow_payload(participation: Participation, step: Step) -> dict[str, Any]:
    """Return the reply to all requests about steps."""
    return {
        "step": step_payload(participation, step),
        "place": {"index": step.index, "of": step.of},
        "progress": progress_get(participation).as_dict(),
        "state": participation.study_state,
        "participation_state": participation.state,
    }


def step_payload(participation: Participation, step: Step) -> dict[str, Any]:
    """Return a step as the runner gets it."""
    if step.kind == "finished":
        url = reverse("done", args=[participation.study.slug])
        return {"kind": "finished", "outcome": step.outcome, "url": url}
    if isinstance(step.page, Practice) and step.practice is not None:
        page, stand = step.page, step.practice
        return {
            "kind": "practice",
            "page": {"key": page.key, "title": page.title, "html": render_markdown(page.markdown)},
            "round": stand.round,
            "rounds": page.most_rounds,
            "wanted": page.pass_correct,
            "correct_before": stand.correct if stand.round > 1 else None,
            "assignments": [
                assignment_payload(assignment, participation)
                for assignment in practice_assignments(participation, stand.round)
            ],
        }
    if step.kind == "trials" or step.page is None:
        return {"kind": "trials"}
    return {"kind": "page", "page": page_payload(step.page)}


def page_payload(page: Page) -> dict[str, Any]:
    """Return a page as the runner gets it; what a kind of page does not have is empty or null."""
    payload: dict[str, Any] = {
        "key": page.key,
        "kind": page.kind,
        "title": "",
        "html": "",
        "digest": page_digest(page),
        "fields": [],
        "plugin": None,
        "button": getattr(page, "button", None),
        "accept": None,
        "decline": None,
        "least_seconds": 0,
    }
    if isinstance(page, Consent | Text | Questionnaire):
        payload.update(title=page.title, html=render_markdown(page.markdown))
    if isinstance(page, Consent):
        payload.update(accept=page.accept, decline=page.decline)
    elif isinstance(page, Text):
        payload.update(least_seconds=page.least_seconds)
    elif isinstance(page, Questionnaire):
        payload.update(fields=[_field(field) for field in page.fields])
    elif isinstance(page, Plugin):
        payload.update(title=page.title, plugin=_plugin(page))
    return payload


def _field(field: FormField) -> dict[str, Any]:
    return field.model_dump(mode="json", exclude=HIDDEN_OF_FIELD)


def _plugin(page: Plugin) -> dict[str, Any]:
    stock = plugin_find(page.plugin)
    if stock is None:
        # It was there when the protocol was set.
        raise LookupError(f"page {page.key}: the jsPsych plugin {page.plugin} has gone; install it again with npm")
    return {
        "name": stock.name,
        "script": static(stock.script),
        "global": stock.global_name,
        "parameters": clean_parameters(page.parameters),
    }
