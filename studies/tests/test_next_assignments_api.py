"""POST /api/v1/studies/<slug>/assignments/next/."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from studies.models import Assignment, Participation, Study, User

ADDRESS = "/api/v1/studies/tiny/assignments/next/"


def ask(client: Client, **body: Any) -> Any:
    response = client.post(ADDRESS, body, content_type="application/json")
    assert response.status_code == 200, response.content
    return response.json()


def answer(client: Client, token: str, revision: int = 1) -> None:
    body = {"uuid": str(uuid4()), "revision": revision, "choice": "left", "rt_ms": 900.25, "timing": {"decode_ms": 2}}
    response = client.post(reverse("responses", args=[token]), body, content_type="application/json")
    assert response.status_code == 201, response.content


def test_the_reply_has_the_shape_that_the_runner_expects(annotator_client: Client) -> None:
    reply = ask(annotator_client, count=2)
    assert set(reply) == {"assignments", "previous", "settings", "progress", "state"}
    first, second = reply["assignments"]
    token = first.pop("token")
    assert first.pop("prediction").startswith("class ")
    assert first == {
        "position": 1,
        "trial_type": "forced_choice",
        "question": "Which map explains the answer better?",
        "options": ["left", "right", "neither"],
        "revision": 1,
        "pictures": {slot: f"/pictures/{token}/{slot}" for slot in ("image", "left", "right")},
    }
    assert second["position"] == 2
    assert reply["previous"] is None
    assert reply["progress"] == {"answered": 0, "total": 12}
    assert reply["state"] == "open"
    assert reply["settings"] == {
        "ties": "neither",
        "confidence": 0,
        "reason": "off",
        "undo": True,
        "break_every": 0,
        "show_for_ms": None,
        "least_ms": 0,
        "most_ms": None,
        "overlay_controls": False,
    }


def test_three_assignments_are_given_unless_told_otherwise(annotator_client: Client) -> None:
    assert len(ask(annotator_client)["assignments"]) == 3


def test_the_previous_assignment_comes_with_its_next_revision(annotator_client: Client) -> None:
    token = ask(annotator_client)["assignments"][0]["token"]
    answer(annotator_client, token)
    answer(annotator_client, token, revision=2)
    previous = ask(annotator_client)["previous"]
    assert (previous["token"], previous["revision"]) == (token, 3)


def test_there_is_no_previous_assignment_where_undo_is_not_allowed(annotator_client: Client) -> None:
    Study.objects.update(allow_undo=False)
    answer(annotator_client, ask(annotator_client)["assignments"][0]["token"])
    assert ask(annotator_client)["previous"] is None


def test_progress_is_complete_when_the_pool_is_empty(annotator_client: Client, participation: Participation) -> None:
    Assignment.objects.all().delete()
    keys = [trial.pk for trial in participation.study.trials.all()[4:]]
    participation.study.trials.filter(pk__in=keys).update(assigned=2)
    while assignments := ask(annotator_client)["assignments"]:
        for assignment in assignments:
            answer(annotator_client, assignment["token"])
    assert ask(annotator_client)["progress"] == {"answered": 4, "total": 4}


def test_a_paused_study_gives_out_no_new_assignments(annotator_client: Client) -> None:
    Study.objects.update(state="paused")
    reply = ask(annotator_client)
    assert (reply["assignments"], reply["state"]) == ([], "paused")


@pytest.mark.parametrize("count", [0, -1, 21, "many", None])
def test_a_count_that_makes_no_sense_is_refused(annotator_client: Client, count: Any) -> None:
    response = annotator_client.post(ADDRESS, {"count": count}, content_type="application/json")
    assert response.status_code == 400
    assert "count" in response.json()


def test_those_who_take_no_part_get_404(tiny_study: Study, new_user: Callable[..., User], client: Client) -> None:
    client.force_login(new_user("stranger"))
    assert client.post(ADDRESS, {}, content_type="application/json").status_code == 404


def test_those_who_are_not_logged_in_get_403(tiny_study: Study, client: Client) -> None:
    assert client.post(ADDRESS, {}, content_type="application/json").status_code == 403


def test_a_post_without_csrf_token_gets_403(participation: Participation) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(participation.annotator)
    assert client.post(ADDRESS, {}, content_type="application/json").status_code == 403


def test_reading_changes_nothing(annotator_client: Client) -> None:
    assert annotator_client.get(ADDRESS).status_code == 405


def test_the_usual_call_takes_few_queries(
    annotator_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ask(annotator_client)
    # Session, user, participation, open assignments, previous, and one for the progress.
    with django_assert_num_queries(6):
        ask(annotator_client)


def test_a_draw_takes_a_bounded_number_of_queries(
    annotator_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    # The first visit starts the participation, too.
    with django_assert_max_num_queries(28):
        ask(annotator_client)
