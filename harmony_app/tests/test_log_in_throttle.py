"""Log-in throttling: guessing has an end, others can still log in, and the page tells nothing about accounts."""

import ipaddress
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from axes.models import AccessAttempt, AccessLog
from django.db.models import F
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from conftest import PASSWORD
from studies.models import User

LIMIT = 8
PAGES = ["/accounts/login/", "/admin/login/"]


def attempt(
    client: Client, username: str = "annotator", password: str = "a guess", *, page: str = PAGES[0], **extra: Any
) -> HttpResponse:
    response: Any = client.post(page, {"username": username, "password": password}, **extra)
    assert isinstance(response, HttpResponse)
    return response


def be_locked_out(client: Client, **options: Any) -> HttpResponse:
    """Guess until the limit is reached; returns the last reply."""
    for _ in range(LIMIT - 1):
        assert attempt(client, **options).status_code == 200
    return attempt(client, **options)


def let_pass(wait: timedelta) -> None:
    """Move what was counted into the past."""
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - wait)


@pytest.fixture
def admin(new_user: Callable[..., User]) -> User:
    return new_user("annotator", is_admin=True)


@pytest.mark.parametrize("page", PAGES)
def test_after_eight_wrong_passwords_the_right_one_is_refused_too(client: Client, admin: User, page: str) -> None:
    assert be_locked_out(client, page=page).status_code == 429
    assert attempt(client, password=PASSWORD, page=page).status_code == 429
    assert "sessionid" not in client.cookies


def test_both_log_ins_count_together(client: Client, admin: User) -> None:
    be_locked_out(client, page=PAGES[1])
    assert attempt(client, password=PASSWORD, page=PAGES[0]).status_code == 429


@pytest.mark.django_db
def test_who_has_to_wait_is_told_how_long(client: Client) -> None:
    began = time.monotonic()
    response = be_locked_out(client)
    waited = time.monotonic() - began
    assert "Try again in 15 minutes." in response.content.decode()
    assert 899 - waited <= int(response.headers["Retry-After"]) <= 900
    assert "no-store" in response.headers["Cache-Control"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]


@pytest.mark.django_db
def test_asking_again_while_locked_out_makes_the_wait_no_longer(client: Client) -> None:
    be_locked_out(client)
    let_pass(timedelta(minutes=14, seconds=30))
    assert "Try again in 1 minute." in attempt(client).content.decode()
    assert int(attempt(client).headers["Retry-After"]) <= 30


def test_after_the_wait_the_right_password_lets_in(client: Client, admin: User) -> None:
    be_locked_out(client)
    let_pass(timedelta(minutes=15, seconds=1))
    assert attempt(client, password=PASSWORD).status_code == 302


def test_the_page_is_the_same_whether_or_not_the_account_exists(admin: User) -> None:
    known, unknown = Client(), Client()
    for client, name in ((known, "annotator"), (unknown, "nobody-of-this-name")):
        be_locked_out(client, username=name)
    pages = [
        attempt(known, password=PASSWORD),
        attempt(known),
        attempt(unknown, "nobody-of-this-name"),
    ]
    assert len({page.content for page in pages}) == 1
    assert {page.status_code for page in pages} == {429}
    assert b"annotator" not in pages[0].content


def test_a_wrong_password_reads_the_same_whether_or_not_the_account_exists(client: Client, admin: User) -> None:
    def errors(name: str) -> list[str]:
        response: Any = attempt(client, name)
        return list(response.context["form"].non_field_errors())

    assert errors("annotator") == errors("nobody-of-this-name") != []


def test_others_can_log_in_from_the_same_address(client: Client, admin: User, new_user: Callable[..., User]) -> None:
    new_user("colleague")
    be_locked_out(client)
    assert attempt(Client(), "colleague", PASSWORD).status_code == 302


def test_nobody_is_locked_out_by_guesses_from_elsewhere(client: Client, admin: User) -> None:
    be_locked_out(client, REMOTE_ADDR="203.0.113.5")
    assert attempt(client, password=PASSWORD, REMOTE_ADDR="203.0.113.6").status_code == 302


@pytest.mark.django_db
def test_another_browser_name_gives_no_further_guesses(client: Client) -> None:
    for number in range(LIMIT - 1):
        assert attempt(client, headers={"User-Agent": f"browser {number}"}).status_code == 200
    assert attempt(client, headers={"User-Agent": "yet another"}).status_code == 429


@pytest.mark.django_db
def test_made_up_forwarded_addresses_give_no_further_guesses(client: Client) -> None:
    for number in range(LIMIT - 1):
        assert attempt(client, headers={"X-Forwarded-For": f"203.0.113.{number}"}).status_code == 200
    assert attempt(client, headers={"X-Forwarded-For": "203.0.113.99"}).status_code == 429


def test_behind_a_trusted_proxy_the_clients_are_told_apart(client: Client, admin: User, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("127.0.0.1")]
    assert be_locked_out(client, headers={"X-Forwarded-For": "203.0.113.5"}).status_code == 429
    made_up = {"X-Forwarded-For": "198.51.100.1, 203.0.113.5"}
    assert attempt(client, password=PASSWORD, headers=made_up).status_code == 429
    assert attempt(client, password=PASSWORD, headers={"X-Forwarded-For": "203.0.113.6"}).status_code == 302


@pytest.mark.django_db
def test_the_addresses_of_one_ipv6_network_are_one_client(client: Client) -> None:
    for number in range(LIMIT - 1):
        assert attempt(client, REMOTE_ADDR=f"2001:db8:1:2::{number + 1:x}").status_code == 200
    assert attempt(client, REMOTE_ADDR="2001:db8:1:2:ffff::1").status_code == 429
    assert attempt(client, REMOTE_ADDR="2001:db8:1:3::1").status_code == 200


@pytest.mark.django_db
def test_the_same_name_in_other_characters_gives_no_further_guesses(client: Client) -> None:
    # Django reads the full-width letters as the plain ones.
    for number in range(LIMIT - 1):
        assert attempt(client, "annotator" if number % 2 else "ａnnotator").status_code == 200
    assert attempt(client, "annotatｏr").status_code == 429


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["n" * 100_000, "name\x00", "\ud800", "", "' OR 1=1 --"])
def test_a_name_that_no_account_could_have_is_refused_and_counted(client: Client, name: str) -> None:
    form = urlencode({"username": name.encode(errors="surrogatepass"), "password": "a guess"})
    for _ in range(LIMIT):
        response = client.post(PAGES[0], form, content_type="application/x-www-form-urlencoded")
        assert response.status_code in (200, 429)
    assert all(len(row.username or "") <= 150 for row in AccessAttempt.objects.all())


def test_a_log_in_that_succeeds_starts_the_count_anew(client: Client, admin: User) -> None:
    for _ in range(LIMIT - 1):
        attempt(client)
    assert attempt(client, password=PASSWORD).status_code == 302
    assert AccessAttempt.objects.count() == 0
    assert attempt(Client()).status_code == 200


def test_no_record_is_kept_of_who_logged_in_from_where(client: Client, admin: User) -> None:
    attempt(client, password=PASSWORD)
    client.post("/accounts/logout/")
    assert AccessLog.objects.count() == 0


@pytest.mark.django_db
def test_a_password_is_never_written_down(client: Client) -> None:
    attempt(client, password="hunter2")
    [row] = AccessAttempt.objects.all()
    assert "hunter2" not in str(vars(row))


def test_the_log_in_page_stays_open_to_those_who_wait(client: Client, admin: User) -> None:
    be_locked_out(client)
    assert client.get(PAGES[0]).status_code == 200


def test_logging_in_gives_another_session_than_before(client: Client, admin: User) -> None:
    client.cookies["sessionid"] = "a-key-that-an-attacker-chose"
    attempt(client, password=PASSWORD)
    first = client.cookies["sessionid"].value
    assert first != "a-key-that-an-attacker-chose"
    client.post("/accounts/logout/")
    attempt(client, password=PASSWORD)
    assert client.cookies["sessionid"].value not in (first, "")
    old = Client()
    old.cookies["sessionid"] = first
    assert old.get("/").status_code == 302


def test_a_session_in_use_is_replaced_when_someone_logs_in(client: Client, admin: User) -> None:
    session = client.session
    session["chosen"] = "before"
    session.save()
    before = session.session_key or ""
    attempt(client, password=PASSWORD)
    assert client.session.session_key != before
    assert not client.session.exists(before)


def test_the_session_cookie_is_not_for_scripts_or_other_sites(client: Client, admin: User) -> None:
    attempt(client, password=PASSWORD)
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 14 * 24 * 3600)


def test_a_changed_password_ends_all_other_sessions(client: Client, admin: User) -> None:
    other = Client()
    for browser in (client, other):
        attempt(browser, password=PASSWORD)
    new = "another long password 7"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert client.post("/accounts/password/", form).status_code == 302
    assert client.get("/").status_code == 200
    assert other.get("/").status_code == 302
