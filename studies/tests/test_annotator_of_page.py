"""The header X-Annotator: a page left open never acts for whoever logged in since."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from studies.models import Assignment, Participation, Response
from studies.services import assignments_draw, enrol
from studies.tests.test_drawing import NewUser

OTHER_USER = {"code": "other_user", "detail": "Another person is logged in than the one this page is for."}


@pytest.fixture
def next_one(participation: Participation, new_user: NewUser) -> Client:
    """A browser in which another annotator of the same study has logged in."""
    client = Client()
    client.force_login(enrol(study=participation.study, annotator=new_user("next")).annotator)
    return client


def answer(client: Client, token: str, annotator: object) -> Any:
    body = {"uuid": str(uuid4()), "revision": 1, "choice": "left", "rt_ms": 900.0}
    address = reverse("responses", args=[token])
    return client.post(address, body, content_type="application/json", headers={"X-Annotator": str(annotator)})


def ask(client: Client, annotator: object) -> Any:
    address = reverse("assignments_next", args=["tiny"])
    return client.post(address, {}, content_type="application/json", headers={"X-Annotator": str(annotator)})


def test_the_annotator_of_the_page_is_served(annotator_client: Client, participation: Participation) -> None:
    reply = ask(annotator_client, participation.annotator_id)
    assert reply.status_code == 200
    token = reply.json()["assignments"][0]["token"]
    assert answer(annotator_client, token, participation.annotator_id).status_code == 201


def test_an_answer_from_someone_elses_page_is_refused_and_not_stored(
    next_one: Client, participation: Participation
) -> None:
    [mine] = assignments_draw(participation=participation, count=1)
    reply = answer(next_one, mine.token, participation.annotator_id)
    assert (reply.status_code, reply.json()) == (403, OTHER_USER)
    assert not Response.objects.exists()


def test_the_refusal_is_the_same_for_a_token_that_was_never_issued(
    next_one: Client, participation: Participation
) -> None:
    assert answer(next_one, "x" * 32, participation.annotator_id).json() == OTHER_USER


@pytest.mark.parametrize("annotator", ["0", "", "A01", "999999"])
def test_someone_elses_page_draws_no_trials(next_one: Client, participation: Participation, annotator: str) -> None:
    reply = ask(next_one, annotator)
    assert (reply.status_code, reply.json()) == (403, OTHER_USER)
    assert not Assignment.objects.exists()


def test_someone_logged_out_is_told_nothing_about_the_page(client: Client, participation: Participation) -> None:
    reply = ask(client, participation.annotator_id)
    assert reply.status_code == 403
    assert "code" not in reply.json()
