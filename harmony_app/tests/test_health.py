"""Whether the site lives and can serve: what the two addresses say, and to whom."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from pytest_django import Settings

from harmony_app.health_parts import DATABASE, PARTS, Finding, Status
from studies.models import Picture, Study, User
from studies.models.builds import Build

TOKEN = "a-token-for-tests-only"
NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def forget() -> None:
        for part in PARTS:
            part.bounded.forget()

    # Nothing hangs here, and on a busy machine what takes no time may be late.
    for part in PARTS:
        monkeypatch.setattr(part.bounded, "_seconds", 60.0)
    forget()
    yield
    forget()


def ask(client: Client, **headers: str) -> tuple[int, dict[str, object]]:
    reply = client.get("/readyz", headers=headers)
    return reply.status_code, reply.json()


def statuses(body: dict[str, object]) -> dict[str, object]:
    parts = body["parts"]
    assert isinstance(parts, dict)
    return {name: part["status"] for name, part in parts.items()}


@pytest.mark.django_db
def test_one_machine_without_a_broker_is_ready(client: Client) -> None:
    status, body = ask(client)
    assert (status, body["status"]) == (200, "ok")
    assert statuses(body) == {
        "database": "ok",
        "migrations": "ok",
        "storage": "ok",
        "broker": "absent",
        "workers": "ok",
    }


@pytest.mark.django_db
def test_a_broker_that_is_away_leaves_the_site_to_annotators(client: Client, settings: Settings) -> None:
    settings.CELERY_BROKER_URL = NOBODY
    status, body = ask(client)
    assert (status, body["status"], statuses(body)["broker"]) == (200, "degraded", "failed")


@pytest.mark.django_db
def test_everybody_sees_words_and_nobody_reasons(client: Client, annotator_client: Client) -> None:
    for visitor in (client, annotator_client):
        _, body = ask(visitor)
        parts = body["parts"]
        assert isinstance(parts, dict)
        assert all(set(part) == {"status"} for part in parts.values())


@pytest.mark.django_db
def test_admins_and_the_token_see_reasons_without_secrets(
    client: Client, staff_client: Client, settings: Settings
) -> None:
    settings.METRICS_TOKEN = TOKEN
    settings.CELERY_BROKER_URL = "redis://user:hunter2@127.0.0.1:1/0"
    for _, body in (ask(staff_client), ask(client, authorization=f"Bearer {TOKEN}")):
        parts = body["parts"]
        assert isinstance(parts, dict)
        assert parts["broker"]["reason"] == "it cannot be reached (ConnectionError)"
        assert all(part["ms"] >= 0 for part in parts.values())
        assert "hunter2" not in str(body)


@pytest.mark.django_db
@pytest.mark.parametrize("given", [f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer ", "Bearer ä"])
def test_a_wrong_token_shows_no_reasons(client: Client, settings: Settings, given: str) -> None:
    settings.METRICS_TOKEN = TOKEN
    _, body = ask(client, authorization=given)
    assert "reason" not in str(body)


@pytest.mark.django_db
def test_a_token_that_is_not_set_lets_nobody_in(client: Client) -> None:
    _, body = ask(client, authorization="Bearer ")
    assert "reason" not in str(body)


@pytest.mark.django_db(transaction=True)
def test_a_lost_folder_of_pictures_is_no_site_for_annotators(client: Client, tiny_study: Study) -> None:
    assert ask(client)[0] == 200
    first = Picture.objects.order_by("pk").first()
    assert first is not None
    with default_storage.open(first.path) as file:
        content = file.read()
    default_storage.delete(first.path)
    for part in PARTS:
        part.bounded.forget()
    try:
        status, body = ask(client)
        assert (status, body["status"], statuses(body)["storage"]) == (503, "failed", "failed")
    finally:
        Path(default_storage.path(first.path)).write_bytes(content)


@pytest.mark.django_db
def test_workers_are_missed_only_where_the_settings_want_them(
    client: Client, settings: Settings, redis_url: str
) -> None:
    settings.CELERY_BROKER_URL = redis_url
    assert ask(client)[1]["status"] == "ok"
    settings.BUILDS = "celery"
    for part in PARTS:
        part.bounded.forget()
    status, body = ask(client)
    assert (status, body["status"], statuses(body)["workers"]) == (200, "degraded", "absent")


@pytest.mark.django_db(transaction=True)
def test_a_build_that_waits_for_a_worker_is_a_failure_but_annotators_go_on(
    client: Client, settings: Settings, redis_url: str, new_user: Callable[..., User]
) -> None:
    settings.CELERY_BROKER_URL, settings.BUILDS, settings.METRICS_TOKEN = redis_url, "celery", TOKEN
    Build.objects.create(name="wanted", title="Wanted", config="", file_name="study.toml", owner=new_user())
    status, body = ask(client, authorization=f"Bearer {TOKEN}")
    parts = body["parts"]
    assert isinstance(parts, dict)
    assert (status, body["status"], parts["workers"]["status"]) == (200, "degraded", "failed")
    assert parts["workers"]["reason"] == "nobody serves the queue default or gpu, and a build waits"


@pytest.mark.django_db
def test_a_vital_part_that_fails_makes_it_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DATABASE.bounded, "_ask", lambda: Finding(Status.FAILED, "away"))
    assert ask(client)[0] == 503
    assert client.get("/healthz").status_code == 503


def test_no_redirect_to_https_and_no_copy_is_kept(client: Client, settings: Settings, db: None) -> None:
    settings.SECURE_SSL_REDIRECT = True
    for address in ("/healthz", "/readyz", "/metrics"):
        reply = client.get(address)
        assert reply.status_code == 200, address
        assert "no-store" in reply.headers["Cache-Control"]
