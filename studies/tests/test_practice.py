"""Practice: rounds with feedback until enough is right, as the steps give them out."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from studies.models import Assignment, PageRecord, Participation, Trial
from studies.selectors_protocol import known_trials
from studies.services.protocols import protocol_set
from studies.services.quality import participation_exclude, participation_readmit
from studies.tests.flow_studies import complete, fresh, step
from studies.tests.test_next_assignments_api import ADDRESS

PROTOCOL = """
[[pages]]
kind = "practice"
title = "Practice"
markdown = "Try it **first**."
make = 3
pass_correct = 2
most_rounds = 2

[[pages]]
kind = "trials"

[trials]
annotators_per_trial = 2
undo = true
"""


@pytest.fixture
def practising(participation: Participation) -> Participation:
    """The participation of `annotator_client` in the tiny study, which now begins with practice."""
    protocol_set(study=participation.study, text=PROTOCOL, name="protocol.toml")
    return participation


def respond(client: Client, token: str, choice: str, revision: int = 1) -> Any:
    body = {"uuid": str(uuid4()), "revision": revision, "choice": choice, "rt_ms": 800.0}
    return client.post(reverse("responses", args=[token]), body, content_type="application/json")


def right_answer(token: str, *, is_right: bool = True) -> str:
    """Return the slot that shows the expected map, or the other one."""
    assignment = Assignment.objects.select_related("trial").get(token=token)
    other = {"left": "right", "right": "left"}[assignment.side]
    is_finetuned = (assignment.trial.expected == "finetuned") == is_right
    return assignment.side if is_finetuned else other


def practise(client: Client, *right: bool) -> Any:
    """Answer a round, each trial right or wrong, and return the next step."""
    given = step(client)["step"]["assignments"]
    for assignment, is_right in zip(given, right, strict=True):
        choice = right_answer(assignment["token"], is_right=is_right)
        assert respond(client, assignment["token"], choice).status_code == 201
    return step(client)["step"]


def test_a_round_comes_with_its_trials_and_what_is_wanted(annotator_client: Client, practising: Participation) -> None:
    given = step(annotator_client)["step"]
    assert len(given.pop("assignments")) == 3
    assert given == {
        "kind": "practice",
        "page": {"key": "practice", "title": "Practice", "html": "<p>Try it <strong>first</strong>.</p>\n"},
        "round": 1,
        "rounds": 2,
        "wanted": 2,
        "correct_before": None,
    }


def test_what_is_answered_is_not_given_out_again(annotator_client: Client, practising: Participation) -> None:
    first, *others = step(annotator_client)["step"]["assignments"]
    respond(annotator_client, first["token"], "left")
    again = step(annotator_client)["step"]
    assert again["assignments"] == others
    assert again["round"] == 1


def test_whoever_gets_enough_right_goes_on(annotator_client: Client, practising: Participation) -> None:
    assert practise(annotator_client, True, False, True) == {"kind": "trials"}
    record = PageRecord.objects.get()
    assert (record.key, record.answers) == ("practice", {"rounds": 1, "correct": 2, "passed": True})


def test_whoever_gets_too_little_right_practises_again(annotator_client: Client, practising: Participation) -> None:
    again = practise(annotator_client, True, False, False)
    assert (again["round"], again["correct_before"], len(again["assignments"])) == (2, 1, 3)
    assert practise(annotator_client, True, True, False) == {"kind": "trials"}
    assert PageRecord.objects.get().answers == {"rounds": 2, "correct": 2, "passed": True}


def test_whoever_fails_every_round_is_out(annotator_client: Client, practising: Participation) -> None:
    practise(annotator_client, False, False, False)
    ended = practise(annotator_client, True, False, False)
    assert (ended["kind"], ended["outcome"]) == ("finished", "failed_checks")
    failed = fresh(practising)
    # Left out is only who gave answers to be left out.
    assert (failed.state, failed.is_excluded) == ("failed_checks", False)
    assert PageRecord.objects.get().answers == {"rounds": 2, "correct": 1, "passed": False}


def test_an_answer_that_is_corrected_after_the_feedback_stays_wrong(
    annotator_client: Client, practising: Participation
) -> None:
    tokens = [assignment["token"] for assignment in step(annotator_client)["step"]["assignments"]]
    for token in tokens:
        respond(annotator_client, token, right_answer(token, is_right=False))
        respond(annotator_client, token, right_answer(token), revision=2)
    assert step(annotator_client)["step"]["round"] == 2


def test_no_trials_are_given_out_before_the_practice_is_passed(
    annotator_client: Client, practising: Participation
) -> None:
    step(annotator_client)
    reply = annotator_client.post(ADDRESS, {"count": 3}, content_type="application/json")
    assert (reply.status_code, reply.json()["code"]) == (409, "pages_first")


def test_practice_cannot_be_marked_as_passed_from_outside(annotator_client: Client, practising: Participation) -> None:
    step(annotator_client)
    reply = complete(annotator_client, {"key": "practice", "digest": ""}, {"passed": True})
    assert (reply.status_code, reply.json()["code"]) == (409, "not_current")
    assert not PageRecord.objects.exists()


def test_practice_takes_no_places_and_is_no_progress(annotator_client: Client, practising: Participation) -> None:
    practise(annotator_client, True, True, True)
    assert step(annotator_client)["progress"] == {"answered": 0, "total": 12}
    assert set(Trial.objects.values_list("assigned", flat=True)) == {0}


def test_asking_again_draws_nothing_more(annotator_client: Client, practising: Participation) -> None:
    assert step(annotator_client) == step(annotator_client)
    assert Assignment.objects.count() == 3


def test_a_step_of_the_practice_tells_no_right_answer(annotator_client: Client, practising: Participation) -> None:
    given = str(step(annotator_client))
    assert "expected" not in given
    assert "finetuned" not in given
    assert "original" not in given


def test_who_has_started_practises_with_the_trials_of_their_own_version(
    annotator_client: Client, practising: Participation
) -> None:
    consent = '[[pages]]\nkind = "consent"\ntitle = "C"\nmarkdown = "C"\n'
    own = protocol_set(study=practising.study, text=consent + PROTOCOL, name="own.toml")
    complete(annotator_client, step(annotator_client)["step"]["page"], {"accepted": True})
    without = '[[pages]]\nkind = "trials"\n[trials]\nannotators_per_trial = 2\n'
    protocol_set(study=practising.study, text=without, name="later.toml", reason="No practice.")
    practise(annotator_client, True, True, False)
    given = Assignment.objects.filter(participation=practising, kind="practice").values_list("trial", flat=True)
    assert set(given) == set(known_trials(own, "practice").values_list("pk", flat=True))


def test_who_was_left_out_in_mid_practice_and_is_taken_back_goes_on_with_the_round(
    annotator_client: Client, practising: Participation
) -> None:
    first, *rest = step(annotator_client)["step"]["assignments"]
    respond(annotator_client, first["token"], right_answer(first["token"]))
    participation_exclude(fresh(practising), "by mistake")
    participation_readmit(fresh(practising))
    assert [one["token"] for one in step(annotator_client)["step"]["assignments"]] == [one["token"] for one in rest]
