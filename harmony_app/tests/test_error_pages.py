"""The pages that say what went wrong: each with the number to ask with, and without what they do not need."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from harmony_app import errors
from harmony_app.tests.pages import page_faults
from harmony_app.urls import urlpatterns
from studies.models import User

EXPLAINED = {
    "400": "The server could not make sense of that",
    "403": "This page is not open to you",
    "403_csrf": "This page had become too old",
    "404": "There is no such page",
    "413": "This was too large",
    "500": "Something went wrong on our side",
}


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a fault that nobody expected")


@pytest.mark.django_db
def test_a_missing_page_tells_its_number(client: Client) -> None:
    reply = client.get("/no/such/page")
    number = reply.headers["X-Request-ID"]
    assert f"<code>{number}</code>" in reply.content.decode()


@pytest.mark.django_db
def test_a_view_that_fails_tells_its_number_and_nothing_of_the_fault(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.raise_request_exception = False

    [pattern] = [pattern for pattern in urlpatterns if getattr(pattern, "name", "") == "healthz"]
    monkeypatch.setattr(pattern, "callback", broken)
    reply = client.get("/healthz")
    html = reply.content.decode()
    assert reply.status_code == 500
    assert f"<code>{reply.headers['X-Request-ID']}</code>" in html
    assert "nobody expected" not in html
    assert page_faults(html) == []


def test_the_page_of_a_fault_needs_no_database() -> None:
    # Without the fixture `db`, any query raises.
    reply = errors.server_error(RequestFactory().get("/broken/"))
    assert (reply.status_code, EXPLAINED["500"] in reply.content.decode()) == (500, True)


@pytest.mark.django_db
def test_a_form_without_its_token_tells_its_number(new_user: Callable[..., User]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(new_user())
    reply = client.post("/accounts/logout/")
    assert reply.status_code == 403
    assert f"<code>{reply.headers['X-Request-ID']}</code>" in reply.content.decode()


@pytest.mark.django_db
def test_a_body_that_is_too_large_tells_its_number(client: Client) -> None:
    reply = client.post("/accounts/login/", {"username": "x" * (5 * 1024 * 1024)})
    assert reply.status_code == 413
    assert f"<code>{reply.headers['X-Request-ID']}</code>" in reply.content.decode()


@pytest.mark.parametrize("name", EXPLAINED)
def test_a_page_says_what_happened_and_leads_on(name: str) -> None:
    html = render_to_string(f"{name}.html")
    assert EXPLAINED[name] in html
    assert 'href="/"' in html
    assert page_faults(html) == []
    assert "request-number" not in html, "outside of a request there is no number to tell"


@pytest.mark.django_db
def test_a_page_for_somebody_who_is_not_logged_in_asks_the_database_for_nothing(client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/no/such/page").status_code == 404
    assert len(queries) == 0
