"""Who is logged in."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from conftest import PASSWORD
from harmony_app.sessions import SessionStore, UserBackend
from studies.models import Participation, User


def is_logged_in(client: Client) -> bool:
    return client.get(reverse("home")).status_code == 200


@pytest.fixture
def logged_in(participation: Participation, client: Client) -> Client:
    form = {"username": participation.annotator.username, "password": PASSWORD}
    assert client.post(reverse("login"), form).status_code == 302
    return client


def test_someone_who_logs_in_stays_logged_in(logged_in: Client) -> None:
    assert is_logged_in(logged_in)
    assert is_logged_in(logged_in)


def test_session_and_user_take_one_query_each(
    logged_in: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        logged_in.get(reverse("password_change"))


def test_an_expired_session_is_over(logged_in: Client) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert not is_logged_in(logged_in)


def test_logging_out_ends_the_session_for_a_stolen_cookie_too(logged_in: Client) -> None:
    stolen = Client()
    stolen.cookies["sessionid"] = logged_in.cookies["sessionid"].value
    assert is_logged_in(stolen)
    logged_in.post(reverse("logout"))
    assert not is_logged_in(stolen)


def test_a_changed_password_ends_the_other_sessions(logged_in: Client, participation: Participation) -> None:
    participation.annotator.set_password("another one entirely")
    participation.annotator.save()
    assert not is_logged_in(logged_in)


def test_a_user_who_is_made_inactive_is_out_at_once(logged_in: Client, participation: Participation) -> None:
    User.objects.filter(pk=participation.annotator.pk).update(is_active=False)
    assert not is_logged_in(logged_in)


@pytest.mark.parametrize(
    "key", ["", "x", "unknown-unknown-unknown-unknown", "' OR 1=1 --' OR 1=1 --", "\0" * 32, "é" * 32]
)
def test_a_made_up_cookie_is_nobodys(db: None, client: Client, key: str) -> None:
    client.cookies["sessionid"] = key
    assert not is_logged_in(client)


def test_a_session_is_kept_and_changed(db: None) -> None:
    store = SessionStore()
    store["word"] = "kept"
    store.create()
    again = SessionStore(store.session_key)
    assert again["word"] == "kept"
    again["word"] = "changed"
    again.save()
    assert SessionStore(store.session_key)["word"] == "changed"


def test_the_session_of_a_deleted_row_starts_anew(db: None) -> None:
    store = SessionStore()
    store["word"] = "kept"
    store.create()
    store.delete()
    again = SessionStore(store.session_key)
    assert "word" not in again
    assert again.session_key is None


def test_old_sessions_can_be_cleared(logged_in: Client) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    call_command("clearsessions")
    assert not Session.objects.exists()


def test_an_unknown_user_is_none(db: None) -> None:
    assert UserBackend().get_user(987654) is None
