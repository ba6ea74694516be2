"""Answers under a protocol: options, confidence, reasons, time limits, and the end of a participation."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from studies.models import Assignment, Participation, Response, Trial, User
from studies.selectors import undoable
from studies.services import InvalidAnswerError, Outcome, assignments_draw, response_record
from studies.services.places import places_return
from studies.services.responses import Recorded
from studies.tests.flow_studies import TRIALS, add_protocol, fresh

Under = Callable[..., list[Assignment]]


@pytest.fixture
def under(participation: Participation) -> Under:
    """Draw trials under a protocol with these settings."""

    def draw(**settings: Any) -> list[Assignment]:
        protocol = add_protocol(participation.study, TRIALS, trials={"annotators_per_trial": 2, **settings})
        Participation.objects.update(protocol=protocol)
        return assignments_draw(participation=fresh(participation), count=4)

    return draw


def record(assignment: Assignment, choice: str = "left", **answer: Any) -> Recorded:
    sent: dict[str, Any] = {"uuid": uuid4(), "revision": 1, "rt_ms": 700.0, "timing": {}, **answer}
    return response_record(annotator=assignment.participation.annotator, token=assignment.token, choice=choice, **sent)


def assigned(assignment: Assignment) -> int:
    return Trial.objects.get(pk=assignment.trial_id).assigned


@pytest.mark.parametrize("choice", ["equal", "both_bad"])
def test_two_kinds_of_tie_are_kept_apart(under: Under, choice: str) -> None:
    record(under(ties="equal_and_both_bad")[0], choice)
    assert Response.objects.values_list("given", "choice").get() == (choice, choice)


@pytest.mark.parametrize(
    ("ties", "choice"),
    [("none", "neither"), ("neither", "equal"), ("equal_and_both_bad", "neither"), ("neither", "timeout")],
)
def test_what_is_not_offered_is_refused(under: Under, ties: str, choice: str) -> None:
    with pytest.raises(InvalidAnswerError, match=r"choice: .*is not offered"):
        record(under(ties=ties)[0], choice)
    assert not Response.objects.exists()


@pytest.mark.parametrize("confidence", [1, 3])
def test_confidence_is_stored(under: Under, confidence: int) -> None:
    record(under(confidence=3)[0], confidence=confidence)
    assert Response.objects.get().confidence == confidence


@pytest.mark.parametrize(("points", "confidence"), [(3, None), (3, 0), (3, 4), (5, 6), (0, 1), (0, 0)])
def test_confidence_off_the_scale_is_refused(under: Under, points: int, confidence: int | None) -> None:
    with pytest.raises(InvalidAnswerError, match="confidence"):
        record(under(confidence=points)[0], confidence=confidence)


def test_a_reason_is_stored_where_it_is_asked_for(under: Under) -> None:
    record(under(reason="optional")[0], reason="It covers the ears.")
    assert Response.objects.get().reason == "It covers the ears."


@pytest.mark.parametrize(("asked", "reason"), [("off", "why"), ("optional", "x" * 2001), ("optional", "a\x00b")])
def test_a_reason_that_cannot_be_taken_is_refused(under: Under, asked: str, reason: str) -> None:
    with pytest.raises(InvalidAnswerError, match="reason"):
        record(under(reason=asked)[0], reason=reason)


def test_another_confidence_under_the_same_uuid_is_another_answer(under: Under) -> None:
    assignment, uuid = under(confidence=3)[0], uuid4()
    record(assignment, uuid=uuid, confidence=1)
    assert record(assignment, uuid=uuid, confidence=1).outcome is Outcome.STORED_BEFORE
    assert record(assignment, uuid=uuid, confidence=2).outcome is Outcome.ANSWERED
    assert Response.objects.get().confidence == 1


def test_a_timeout_gives_the_place_back_and_is_not_counted(under: Under) -> None:
    assignment = under(most_ms=5000, confidence=3)[0]
    assert assigned(assignment) == 1
    record(assignment, "timeout", rt_ms=5000.0)
    assert assigned(assignment) == 0
    assignment.refresh_from_db()
    assert (assignment.state, assignment.is_counted) == ("answered", False)
    assert Response.objects.values_list("given", "choice", "confidence").get() == ("timeout", "timeout", None)


def test_a_timeout_sent_twice_gives_one_place_back(under: Under) -> None:
    assignment, uuid = under(most_ms=5000)[0], uuid4()
    Trial.objects.filter(pk=assignment.trial_id).update(assigned=2)
    for _ in range(3):
        record(assignment, "timeout", uuid=uuid, rt_ms=5000.0)
    assert assigned(assignment) == 1


def test_a_trial_that_timed_out_does_not_come_again(under: Under, participation: Participation) -> None:
    for assignment in under(most_ms=5000):
        record(assignment, "timeout", rt_ms=5000.0)
    given = assignments_draw(participation=fresh(participation), count=20)
    trials = [assignment.trial_id for assignment in Assignment.objects.all()]
    assert len(given) == 8
    assert len(set(trials)) == len(trials) == 12


def test_a_timeout_is_not_undone(under: Under, participation: Participation) -> None:
    first, second, *_ = under(most_ms=5000, undo=True)
    record(first)
    assert undoable(fresh(participation)) == first
    record(second, "timeout", rt_ms=5000.0)
    assert undoable(fresh(participation)) is None
    assert record(second, revision=2).outcome is Outcome.FINAL


def test_an_answer_can_time_out_when_it_is_looked_at_again(under: Under) -> None:
    assignment = under(most_ms=5000, undo=True)[0]
    record(assignment)
    record(assignment, "timeout", revision=2, rt_ms=5000.0)
    assert assigned(assignment) == 0


def test_undo_is_the_protocols_matter(under: Under) -> None:
    assignment = under(undo=False)[0]
    record(assignment)
    assert assignment.participation.study.allow_undo
    assert record(assignment, revision=2).outcome is Outcome.FINAL


@pytest.mark.parametrize("revision", [1, 2])
def test_whoever_has_withdrawn_leaves_no_more_answers(under: Under, revision: int) -> None:
    first, second, *_ = under(undo=True)
    record(first)
    Participation.objects.update(state="withdrawn")
    assert record(first if revision == 2 else second, revision=revision).outcome is Outcome.ENDED
    assert Response.objects.count() == 1


def test_a_withdrawn_annotator_gets_a_conflict_that_says_so(under: Under, annotator_client: Client) -> None:
    token = under()[0].token
    Participation.objects.update(state="withdrawn")
    sent = {"uuid": str(uuid4()), "revision": 1, "choice": "left", "rt_ms": 700, "next": 3}
    reply = annotator_client.post(reverse("responses", args=[token]), sent, content_type="application/json")
    assert (reply.status_code, reply.json()["code"]) == (409, "ended")
    assert "assignments" not in reply.json()


def test_an_answer_of_the_excluded_takes_no_place(under: Under, participation: Participation) -> None:
    assignment = under()[0]
    places_return(participation)
    assert record(assignment).outcome is Outcome.STORED
    assert assigned(assignment) == 0


def test_implausible_times_are_stored_with_the_answer(under: Under) -> None:
    record(under()[0], rt_ms=20.0, timing={"painted_at": 5, "answered_at": 3})
    flags = Response.objects.get().flags
    assert flags == ["answered_before_painted", "clock_off", "faster_than_possible"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("confidence", 9), ("confidence", "sure"), ("reason", "x" * 2001), ("reason", ["x"]), ("next", -1), ("next", 21)],
)
def test_a_malformed_part_is_named(under: Under, annotator_client: Client, field: str, value: Any) -> None:
    token = under(confidence=3, reason="optional")[0].token
    sent = {"uuid": str(uuid4()), "revision": 1, "choice": "left", "rt_ms": 700, "confidence": 2, field: value}
    reply = annotator_client.post(reverse("responses", args=[token]), sent, content_type="application/json")
    assert (reply.status_code, set(reply.json())) == (400, {field})
    assert not Response.objects.exists()


def test_the_next_trials_can_come_with_the_reply(under: Under, annotator_client: Client) -> None:
    first, *rest = under()
    sent = {"uuid": str(uuid4()), "revision": 1, "choice": "left", "rt_ms": 700, "next": 3}
    reply = annotator_client.post(reverse("responses", args=[first.token]), sent, content_type="application/json")
    asked = annotator_client.post(
        reverse("assignments_next", args=["tiny"]), {"count": 3}, content_type="application/json"
    )
    body = reply.json()
    assert [one["token"] for one in body["assignments"]] == [one.token for one in rest]
    assert {name: body[name] for name in asked.json()} == asked.json()
    assert body["progress"] == {"answered": 1, "total": 12}


def test_no_trials_come_with_the_reply_to_a_practice_trial(
    participation: Participation, new_user: Callable[..., User]
) -> None:
    page = {"kind": "practice", "title": "Practice", "make": 1}
    protocol = add_protocol(participation.study, page, TRIALS)
    Participation.objects.update(protocol=protocol)
    trial = Trial.objects.filter(kind="main").first()
    assert trial is not None
    practice = Trial.objects.create(
        study=participation.study,
        key="practice",
        pair=trial.pair,
        kind="practice",
        expected="finetuned",
        feedback="So.",
    )
    assignment = Assignment.objects.create(
        participation=participation,
        trial=practice,
        kind="practice",
        round=1,
        is_counted=False,
        position=1,
        side="right",
        expires_at=participation.created_at,
    )
    client = Client()
    client.force_login(participation.annotator)
    sent = {"uuid": str(uuid4()), "revision": 1, "choice": "right", "rt_ms": 700, "next": 3}
    body = client.post(reverse("responses", args=[assignment.token]), sent, content_type="application/json").json()
    assert body["feedback"] == {"correct": True, "text": "So."}
    assert "assignments" not in body
    again = client.post(reverse("responses", args=[assignment.token]), sent, content_type="application/json")
    assert (again.status_code, again.json()["feedback"]) == (200, body["feedback"])
    other = {**sent, "uuid": str(uuid4()), "choice": "left"}
    conflict = client.post(reverse("responses", args=[assignment.token]), other, content_type="application/json")
    assert (conflict.status_code, conflict.json()["feedback"]) == (409, None)
