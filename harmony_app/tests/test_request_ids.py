"""The number of a request: made here, or taken from a proxy that is trusted."""

import ipaddress
import re

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from harmony_app.log_context import current_request_id
from harmony_app.request_ids import RequestIdMiddleware


def answered(settings: Settings, given: str, *, trusted: bool = True, peer: str = "127.0.0.1") -> tuple[str, str]:
    """Return the number in the response, and the one that the view saw."""
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("127.0.0.1")] if trusted else []

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(current_request_id())

    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers={"X-Request-ID": given} if given else {})
    response = RequestIdMiddleware(view)(request)
    assert isinstance(response, HttpResponse)
    return response.headers["X-Request-ID"], response.content.decode()


def test_every_request_has_a_number_of_its_own(settings: Settings) -> None:
    numbers = {answered(settings, "")[0] for _ in range(50)}
    assert len(numbers) == 50
    assert all(re.fullmatch(r"[0-9a-f]{16}", number) for number in numbers)


def test_the_view_sees_the_number_that_the_response_tells(settings: Settings) -> None:
    told, seen = answered(settings, "")
    assert told == seen
    assert current_request_id() == ""


def test_a_trusted_proxys_number_is_kept(settings: Settings) -> None:
    assert answered(settings, "abc-123-DEF") == ("abc-123-DEF", "abc-123-DEF")


@pytest.mark.parametrize(
    "given",
    [
        "short",
        "x" * 65,
        "line\nbreak-in-it",
        "<script>alert(1)</script>",
        "abcdefgh\r",
        "äöüäöüäö",
        "a b c d e f",
        "12345678\n",
    ],
)
def test_a_number_that_is_not_sane_is_replaced_even_from_a_trusted_proxy(settings: Settings, given: str) -> None:
    told, seen = answered(settings, given)
    assert told == seen != given
    assert re.fullmatch(r"[0-9a-f]{16}", told)


def test_nobody_else_chooses_the_number(settings: Settings) -> None:
    assert answered(settings, "abc-123-DEF", trusted=False)[0] != "abc-123-DEF"
    assert answered(settings, "abc-123-DEF", peer="203.0.113.5")[0] != "abc-123-DEF"


def test_a_client_behind_a_trusted_proxy_is_not_itself_trusted(client: Client, settings: Settings, db: None) -> None:
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("127.0.0.1")]
    reply = client.get(
        "/healthz",
        REMOTE_ADDR="203.0.113.5",
        headers={"X-Request-ID": "abc-123-DEF", "X-Forwarded-For": "127.0.0.1"},
    )
    assert reply.headers["X-Request-ID"] != "abc-123-DEF"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "status"),
    [("/accounts/login/", 200), ("/no/such/page", 404), ("/api/v1/studies/", 401), ("/static/no", 404)],
)
def test_every_response_tells_its_number(client: Client, path: str, status: int) -> None:
    reply = client.get(path)
    assert (reply.status_code, len(reply.headers["X-Request-ID"])) == (status, 16)
