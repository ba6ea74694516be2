"""POST /api/v1/assignments/<token>/responses/."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from studies.models import Participation, Response, Study
from studies.services import assignments_draw
from studies.tests.test_drawing import NewUser


@pytest.fixture
def tokens(participation: Participation) -> list[str]:
    return [assignment.token for assignment in assignments_draw(participation=participation, count=3)]


def body(**changes: Any) -> dict[str, Any]:
    return {"uuid": str(uuid4()), "revision": 1, "choice": "left", "rt_ms": 812.4, "timing": {"frames": 2}, **changes}


def post(client: Client, token: str, answer: Any) -> Any:
    return client.post(reverse("responses", args=[token]), answer, content_type="application/json")


def test_an_answer_is_stored(annotator_client: Client, tokens: list[str]) -> None:
    response = post(annotator_client, tokens[0], body())
    assert response.status_code == 201
    assert response.json()["progress"] == {"answered": 1, "total": 12}
    assert response.json()["state"] == "open"
    assert Response.objects.get().rt_ms == 812.4


def test_a_late_answer_to_a_paused_study_is_stored_and_says_so(annotator_client: Client, tokens: list[str]) -> None:
    Study.objects.update(state="paused")
    response = post(annotator_client, tokens[0], body())
    assert (response.status_code, response.json()["state"]) == (201, "paused")


def test_a_retried_post_keeps_one_response(annotator_client: Client, tokens: list[str]) -> None:
    answer = body()
    assert [post(annotator_client, tokens[0], answer).status_code for _ in range(3)] == [201, 200, 200]
    assert Response.objects.count() == 1


def test_another_answer_is_a_conflict_that_says_which(annotator_client: Client, tokens: list[str]) -> None:
    post(annotator_client, tokens[0], body())
    response = post(annotator_client, tokens[0], body(choice="right"))
    assert (response.status_code, response.json()["code"]) == (409, "answered")


def test_an_answer_that_may_not_be_changed_says_so(annotator_client: Client, tokens: list[str]) -> None:
    Study.objects.update(allow_undo=False)
    post(annotator_client, tokens[0], body())
    response = post(annotator_client, tokens[0], body(revision=2))
    assert (response.status_code, response.json()["code"]) == (409, "final")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("uuid", "not-a-uuid"),
        ("uuid", None),
        ("revision", 0),
        ("revision", 3),
        ("revision", "first"),
        ("choice", "original"),
        ("choice", "finetuned"),
        ("choice", ""),
        ("rt_ms", -1),
        ("rt_ms", 10**400),
        ("uuid", "\x00"),
        ("choice", "\ud800"),
        ("revision", [[[]]]),
        ("rt_ms", "fast"),
        ("timing", [1, 2]),
        ("timing", {"x": "y" * 9000}),
        ("timing", {"x": "\x00"}),
        ("timing", {"x": ["\udfff"]}),
        ("timing", {"\ud800": 1}),
    ],
)
def test_a_malformed_answer_is_refused_by_field(
    annotator_client: Client, tokens: list[str], field: str, value: Any
) -> None:
    response = post(annotator_client, tokens[0], body(**{field: value}))
    assert response.status_code == 400
    assert set(response.json()) == {field}
    assert not Response.objects.exists()


@pytest.mark.parametrize("field", ["uuid", "revision", "choice", "rt_ms"])
def test_a_missing_field_is_named(annotator_client: Client, tokens: list[str], field: str) -> None:
    answer = body()
    del answer[field]
    assert set(post(annotator_client, tokens[0], answer).json()) == {field}


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"x":', "}")])
@pytest.mark.parametrize("depth", [30, 500, 900, 10_000])
def test_a_deeply_nested_body_is_refused(
    annotator_client: Client, tokens: list[str], opening: str, closing: str, depth: int
) -> None:
    nested = f"{opening * depth}1{closing * depth}"[:60_000]
    assert post(annotator_client, tokens[0], nested).status_code == 400
    answer = json.dumps(body(timing="NESTED")).replace('"NESTED"', f'{{"x":{nested}}}')
    assert post(annotator_client, tokens[0], answer).status_code == 400
    assert not Response.objects.exists()


def test_thirty_thousand_brackets_are_refused(annotator_client: Client, tokens: list[str]) -> None:
    for text in ("[" * 30_000, '{"timing":' + "[" * 30_000, "[" * 30_000 + "]" * 30_000):
        assert post(annotator_client, tokens[0], text).status_code == 400


def test_a_number_beyond_all_floats_is_refused(annotator_client: Client, tokens: list[str]) -> None:
    answer = json.dumps(body(timing="HUGE")).replace('"HUGE"', '{"x": 1e999}')
    response = post(annotator_client, tokens[0], answer)
    assert (response.status_code, set(response.json())) == (400, {"timing"})


def test_an_answer_after_more_than_a_day_is_stored_as_given(annotator_client: Client, tokens: list[str]) -> None:
    assert post(annotator_client, tokens[0], body(rt_ms=2.5e8)).status_code == 201
    assert Response.objects.get().rt_ms == 2.5e8


def test_texts_with_characters_of_any_script_are_stored(annotator_client: Client, tokens: list[str]) -> None:
    assert post(annotator_client, tokens[0], body(timing={"browser": "ж 😀 \n"})).status_code == 201
    assert Response.objects.get().timing == {"browser": "ж 😀 \n"}


@pytest.mark.parametrize("text", ["", "{", "[]", '"left"', '{"rt_ms": NaN}', '{"\\ud800": 1}'])
def test_a_body_that_is_no_object_is_refused(annotator_client: Client, tokens: list[str], text: str) -> None:
    assert post(annotator_client, tokens[0], text).status_code == 400


def test_a_huge_body_is_refused(annotator_client: Client, tokens: list[str]) -> None:
    assert post(annotator_client, tokens[0], body(timing={"x": "y" * 100_000})).status_code == 413


def test_the_token_of_another_annotator_gets_404(tokens: list[str], new_user: NewUser, client: Client) -> None:
    client.force_login(new_user("thief"))
    assert post(client, tokens[0], body()).status_code == 404
    assert not Response.objects.exists()


def test_a_token_that_no_database_could_hold_gets_404(annotator_client: Client, tokens: list[str]) -> None:
    for address in ("/api/v1/assignments/%00/responses/", "/api/v1/assignments/%ED%A0%80/responses/"):
        assert annotator_client.post(address, body(), content_type="application/json").status_code == 404


def test_a_token_that_was_never_issued_gets_404(annotator_client: Client, tokens: list[str]) -> None:
    assert post(annotator_client, "x" * 32, body()).status_code == 404


def test_a_post_without_csrf_token_gets_403(participation: Participation, tokens: list[str]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(participation.annotator)
    assert post(client, tokens[0], body()).status_code == 403


def test_only_json_is_read(annotator_client: Client, tokens: list[str]) -> None:
    assert annotator_client.post(reverse("responses", args=[tokens[0]]), body(timing="{}")).status_code == 415


def test_an_answer_takes_few_queries(
    annotator_client: Client, tokens: list[str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    # Session, user; transaction, assignment, insert, its savepoint, assignment's state; one for the progress.
    with django_assert_num_queries(10):
        post(annotator_client, tokens[0], body())
