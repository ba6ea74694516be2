"""The example protocols, walked through from the first page to the completion code by the API alone."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse

from studies.models import Assignment, PageRecord, Participation, QualityFinding, Response, User
from studies.services import enrol, load_bundle
from studies.services.protocols import protocol_set
from studies.tests.bundles import write_bundle
from studies.tests.flow_studies import complete, fresh, step
from studies.tests.test_practice import right_answer

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "protocols"
ANSWERS: dict[str, Any] = {"text": "words", "textarea": "many\nwords", "number": 33, "scale": 2}


@pytest.fixture
def walker(db: None, tmp_path: Path, request: pytest.FixtureRequest) -> Participation:
    """Someone from Prolific in a study of 24 trials with the example protocol of this name."""
    study = load_bundle(folder=write_bundle(tmp_path / "bundle", slug="tiny", images=6)).study
    path = EXAMPLES / request.param
    protocol_set(study=study, text=path.read_text(encoding="utf-8"), name=path.name)
    participation = enrol(study=study, annotator=User.objects.create_user("walker"))
    Participation.objects.update(source="prolific")
    return participation


def entered(page: dict[str, Any]) -> dict[str, Any]:
    """Return answers that a page allows: of several options the one that should let people go on."""
    if page["kind"] == "consent":
        return {"accepted": True}
    of_options = {"choice": lambda options: options[0], "choices": lambda options: options[:1]}
    return {
        field["name"]: of_options[field["kind"]](field["options"]) if field["options"] else ANSWERS[field["kind"]]
        for field in page["fields"]
    }


def wait_a_minute() -> None:
    """Let the pages have been given out a minute earlier."""
    minute = timedelta(minutes=1)
    Participation.objects.update(started_at=F("started_at") - minute)
    PageRecord.objects.update(completed_at=F("completed_at") - minute)


def respond(client: Client, assignment: dict[str, Any]) -> None:
    """Answer an assignment: right where the answer is known, and the same again where it is a repeat."""
    stored = Assignment.objects.select_related("trial").get(token=assignment["token"])
    # Sides take turns, but where the right answer is known.
    choice = right_answer(assignment["token"]) if stored.trial.expected else ("left", "right")[stored.position % 2]
    if stored.repeat_of is not None:
        first = stored.repeat_of.responses.get()
        choice = {"left": "right", "right": "left"}[first.given]
    body = {"uuid": str(uuid4()), "revision": 1, "choice": choice, "rt_ms": 1500.0}
    if points := fresh(Participation.objects.get()).spec.trials.confidence:
        body["confidence"] = points
    address = reverse("responses", args=[assignment["token"]])
    reply = client.post(address, body, content_type="application/json")
    assert reply.status_code == 201, reply.content


@pytest.mark.parametrize("walker", sorted(path.name for path in EXAMPLES.glob("*.toml")), indirect=True)
def test_an_example_can_be_walked_through_to_its_end(walker: Participation) -> None:
    client = Client()
    client.force_login(walker.annotator)
    seen = []
    while (reply := step(client))["step"]["kind"] != "finished":
        given = reply["step"]
        seen.append(given["page"]["key"] if "page" in given else given["kind"])
        if given["kind"] == "page":
            wait_a_minute()
            sent = complete(client, given["page"], entered(given["page"]))
            assert sent.status_code == 201, sent.content
            continue
        if given["kind"] == "practice":
            for assignment in given["assignments"]:
                respond(client, assignment)
            continue
        address = reverse("assignments_next", args=["tiny"])
        while batch := client.post(address, {}, content_type="application/json").json()["assignments"]:
            for assignment in batch:
                respond(client, assignment)
    spec = fresh(walker).spec
    assert seen == [page.key for page in spec.pages]
    assert reply["step"]["outcome"] == "completed", list(QualityFinding.objects.values())
    assert reply["progress"]["answered"] == reply["progress"]["total"]
    assert Response.objects.exclude(assignment__kind="practice").count() == reply["progress"]["total"]
    assert list(PageRecord.objects.values_list("key", flat=True)) == seen
    expected = "" if spec.recruitment.prolific is None else spec.recruitment.prolific.completed
    assert fresh(walker).completion_code == expected
