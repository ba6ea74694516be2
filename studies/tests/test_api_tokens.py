"""Tokens of the API: shown once, kept as digests, and of no use when they should be of none."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from studies.models import ApiToken, Study, User
from studies.services.tokens import MOST_TOKENS, TokenError, token_make, token_revoke
from studies.tests.research_api import Program, researcher


@pytest.fixture
def program(tiny_study: Study) -> Program:
    return Program(researcher("ada", tiny_study))


@pytest.fixture
def empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def status(program: Program) -> int:
    return int(program.get("studies/").status_code)


def test_a_token_lets_a_program_in(program: Program) -> None:
    assert status(program) == 200


def test_the_database_does_not_hold_the_secret(program: Program) -> None:
    held = ApiToken.objects.values().get()
    assert program.secret not in str(held)
    assert len(held["start"]) < len(program.secret) / 2


def test_a_revoked_token_is_refused_at_once(program: Program) -> None:
    assert token_revoke(user=program.token.user, pk=program.token.pk)
    reply = program.get("studies/")
    assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_token_that_has_expired_is_refused(program: Program) -> None:
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert status(program) == 401


def test_the_token_of_someone_who_may_not_log_in_any_more_is_refused(program: Program) -> None:
    User.objects.update(is_active=False)
    assert status(program) == 401


def test_the_token_of_someone_who_is_no_researcher_any_more_is_of_no_use(program: Program) -> None:
    User.objects.update(is_staff=False)
    assert status(program) == 403


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer harmony_",
        "Bearer " + "x" * 5000,
        "Bearer é",
        "Bearer \x00",
        "bearer null",
    ],
)
def test_what_is_no_token_is_refused(header: str, program: Program) -> None:
    assert Client(headers={"Authorization": header}).get("/api/v1/studies/").status_code == 401


def test_a_wrong_token_is_not_made_up_for_by_a_session(program: Program) -> None:
    client = Client(headers={"Authorization": "Bearer harmony_wrong"})
    client.force_login(program.token.user)
    assert client.get("/api/v1/studies/").status_code == 401


def test_the_digest_of_a_token_is_no_token(program: Program) -> None:
    client = Client(headers={"Authorization": f"Bearer {program.token.digest}"})
    assert client.get("/api/v1/studies/").status_code == 401


def test_a_token_does_not_answer_trials(program: Program) -> None:
    reply = program.client.post("/api/v1/studies/tiny/assignments/next/", {}, content_type="application/json")
    assert reply.status_code == 403


def test_a_session_without_a_csrf_token_changes_nothing(program: Program) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(program.token.user)
    reply = client.patch("/api/v1/studies/tiny/", {"state": "closed"}, content_type="application/json")
    assert reply.status_code == 403
    assert Study.objects.get().state == Study.State.OPEN


def test_the_use_of_a_token_is_noted_at_most_once_a_minute(program: Program) -> None:
    status(program)
    first = ApiToken.objects.get().last_used_at
    status(program)
    assert first is not None
    assert ApiToken.objects.get().last_used_at == first


def test_a_program_that_asks_too_often_has_to_wait(program: Program, settings: Settings, empty_cache: None) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    assert [status(program) for _ in range(5)] == [200, 200, 200, 429, 429]
    assert int(program.get("studies/").headers["Retry-After"]) <= 60


def test_each_token_waits_for_itself(program: Program, settings: Settings, empty_cache: None) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1
    other = Program(program.token.user, "another")
    assert [status(program), status(program), status(other)] == [200, 429, 200]


def test_nobody_has_more_tokens_than_they_can_look_after(db: None) -> None:
    user = researcher("ada")
    for number in range(MOST_TOKENS):
        token_make(user=user, name=str(number))
    with pytest.raises(TokenError, match=str(MOST_TOKENS)):
        token_make(user=user, name="one more")


# The page


@pytest.fixture
def browser(program: Program) -> Client:
    client = Client()
    client.force_login(program.token.user)
    return client


def test_the_page_shows_the_secret_once(browser: Client) -> None:
    made = browser.post("/accounts/tokens/", {"name": "notebook", "days": "30"})
    secret = made.context["secret"]
    assert secret.encode() in made.content
    assert "no-store" in made.headers["Cache-Control"]
    assert secret.encode() not in browser.get("/accounts/tokens/").content
    assert Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/studies/").status_code == 200


def test_a_name_is_free_again_when_its_token_is_revoked(browser: Client, program: Program) -> None:
    assert browser.post("/accounts/tokens/", {"name": "program"}).status_code == 400
    browser.post(f"/accounts/tokens/{program.token.pk}/revoke/")
    assert browser.post("/accounts/tokens/", {"name": "program"}).status_code == 200


def test_nobody_revokes_the_token_of_another(program: Program, new_user: Callable[..., User]) -> None:
    client = Client()
    client.force_login(new_user("admin", is_admin=True))
    assert client.post(f"/accounts/tokens/{program.token.pk}/revoke/").status_code == 404
    assert status(program) == 200


def test_annotators_have_no_tokens(annotator_client: Client) -> None:
    assert annotator_client.post("/accounts/tokens/", {"name": "mine"}).status_code == 404
    assert not ApiToken.objects.exists()
