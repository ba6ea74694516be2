"""Studies with pages around their trials, and how an annotator's browser goes through them, for tests."""

from typing import Any
from uuid import uuid4

from django.test import Client

from studies.models import Participation, Protocol, Study
from studies.protocol.spec import ProtocolSpec
from studies.tests.test_next_assignments_api import answer, ask

CONSENT = {"kind": "consent", "title": "Consent", "markdown": "Please **agree**."}
WELCOME = {"kind": "text", "key": "welcome", "title": "Welcome", "markdown": "Two maps each time."}
ABOUT_YOU = {
    "kind": "questionnaire",
    "key": "about-you",
    "title": "About you",
    "fields": [
        {"name": "age", "label": "Your age", "kind": "number", "minimum": 18, "maximum": 120},
        {"name": "sight", "label": "Your sight", "kind": "choice", "options": ["good", "poor"], "screen_out": ["poor"]},
        {"name": "remarks", "label": "Remarks", "kind": "textarea", "required": False, "longest": 20},
    ],
}
TRIALS = {"kind": "trials"}
GOODBYE = {"kind": "text", "key": "goodbye", "title": "Goodbye", "markdown": "What it was about."}

PAGES = (CONSENT, WELCOME, ABOUT_YOU, TRIALS, GOODBYE)
ABOUT_ME = {"age": 30, "sight": "good"}

STEPS = "/api/v1/studies/tiny/steps/next/"


def add_protocol(study: Study, *pages: dict[str, Any], **parts: Any) -> Protocol:
    """Add a version of the protocol with these pages (`PAGES`, unless given) and other parts, as it would be stored."""
    parts.setdefault("trials", {"annotators_per_trial": study.annotators_per_trial, "undo": True})
    spec = ProtocolSpec.from_document({"pages": list(pages or PAGES), **parts})
    version = study.protocols.count() + 1
    return Protocol.objects.create(study=study, version=version, document=spec.as_document())


def fresh(participation: Participation) -> Participation:
    """Return the participation as the database has it, with study and protocol."""
    return Participation.objects.select_related("study", "protocol").get(pk=participation.pk)


def step(client: Client) -> Any:
    """Ask for the next step."""
    reply = client.post(STEPS, {}, content_type="application/json")
    assert reply.status_code == 200, reply.content
    return reply.json()


def complete(client: Client, page: dict[str, Any], answers: dict[str, Any] | None = None, **body: Any) -> Any:
    """Send a page as it was given out; `body` replaces what is sent."""
    sent = {"uuid": str(uuid4()), "answers": answers or {}, "digest": page["digest"], "shown_seconds": 3.5, **body}
    return client.post(f"/api/v1/studies/tiny/pages/{page['key']}/", sent, content_type="application/json")


def walk_to_trials(client: Client) -> None:
    """Complete the pages of `PAGES` before the trials."""
    for answers in ({"accepted": True}, {}, ABOUT_ME):
        assert complete(client, step(client)["step"]["page"], answers).status_code == 201


def answer_all(client: Client) -> None:
    """Answer every trial, each `left`."""
    while assignments := ask(client)["assignments"]:
        for assignment in assignments:
            answer(client, assignment["token"])
