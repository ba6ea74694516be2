"""Who may read the metrics."""

import pytest
from django.test import Client
from pytest_django import Settings

TOKEN = "a-token-for-tests-only"
pytestmark = pytest.mark.django_db


def test_without_a_token_only_this_machine_reads_them(client: Client) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
    reply = client.get("/metrics", REMOTE_ADDR="10.0.0.7")
    assert (reply.status_code, b"METRICS_TOKEN" in reply.content) == (403, True)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_what_comes_through_a_proxy_on_this_machine_is_not_from_this_machine(client: Client, header: str) -> None:
    assert client.get("/metrics", headers={header: "203.0.113.5"}).status_code == 403


def test_a_client_cannot_pretend_to_be_this_machine(client: Client, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = []
    reply = client.get("/metrics", REMOTE_ADDR="203.0.113.5", headers={"X-Forwarded-For": "127.0.0.1"})
    assert reply.status_code == 403


def test_with_a_token_everybody_has_to_bring_it(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    reply = client.get("/metrics")
    assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    for wrong in (f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer \xe4"):
        assert client.get("/metrics", headers={"Authorization": wrong}).status_code == 401


def test_admins_read_them_from_anywhere_and_nobody_else(
    client: Client, staff_client: Client, annotator_client: Client
) -> None:
    far = "203.0.113.5"
    assert staff_client.get("/metrics", REMOTE_ADDR=far).status_code == 200
    assert annotator_client.get("/metrics", REMOTE_ADDR=far).status_code == 403
    assert client.get("/metrics", REMOTE_ADDR=far, headers={"Cookie": "sessionid=made-up"}).status_code == 403


def test_they_cannot_be_posted_to(client: Client) -> None:
    assert client.post("/metrics").status_code == 405
