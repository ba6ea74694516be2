"""The settings, read anew under different environments."""

import os
import runpy
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from harmony_app.tests.servers import ROOT

VARIABLES = [
    "ALLOWED_HOSTS",
    "ASSIGNMENT_LIFETIME_HOURS",
    "AXES_COOLOFF_MINUTES",
    "AXES_FAILURE_LIMIT",
    "CELERY_BROKER_URL",
    "CSRF_TRUSTED_ORIGINS",
    "DATABASE_URL",
    "DEBUG",
    "HARMONY_MEDIA_URL",
    "HARMONY_REPORT_WORKER",
    "HSTS_SECONDS",
    "HTTPS",
    "LOG_FORMAT",
    "LOG_LEVEL",
    "MEDIA_ROOT",
    "METRICS_TOKEN",
    "SECRET_KEY",
    "SENTRY_DSN",
    "SESSION_HOURS",
    "STATIC_ROOT",
    "TIME_ZONE",
    "TRUSTED_PROXIES",
]
POSTGRES = "postgresql://user:secret@db.example.org/harmony"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HARMONY_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Any:
    def read_settings(**variables: str) -> dict[str, Any]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "harmony_app" / "settings.py"))

    return read_settings


def test_nothing_needs_to_be_set_on_one_machine(read: Any, tmp_path: Path) -> None:
    settings = read()
    assert settings["DATABASES"]["default"]["NAME"] == str(tmp_path / "data" / "harmony.sqlite3")
    assert settings["STORAGES"]["default"]["OPTIONS"]["location"] == str(tmp_path / "data" / "media")
    assert not settings["DEBUG"]
    assert not settings["HTTPS"]
    assert settings["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert settings["PASSWORD_HASHERS"][0].endswith("Argon2PasswordHasher")


def test_sqlite_waits_for_the_write_lock_instead_of_failing(read: Any) -> None:
    options = read()["DATABASES"]["default"]["OPTIONS"]
    assert (options["transaction_mode"], options["timeout"]) == ("IMMEDIATE", 20)
    assert "journal_mode=WAL" in options["init_command"]


def test_a_secret_key_is_made_once_and_kept_private(read: Any, tmp_path: Path) -> None:
    first = read()["SECRET_KEY"]
    path = tmp_path / "data" / "secret_key"
    assert len(first) >= 50
    assert read()["SECRET_KEY"] == first == path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["secret_key"]


def test_an_empty_secret_key_file_stops_loudly(read: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret_key").touch()
    with pytest.raises(ImproperlyConfigured, match="secret_key is empty; delete it"):
        read()


def test_postgresql_needs_a_secret_key(read: Any, tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY is not set.*set SECRET_KEY to a long random text"):
        read(DATABASE_URL=POSTGRES)
    settings = read(SECRET_KEY="given")
    assert settings["SECRET_KEY"] == "given"
    assert settings["DATABASES"]["default"]["CONN_MAX_AGE"] > 0
    assert not (tmp_path / "data" / "secret_key").exists()


@pytest.mark.parametrize(
    ("hosts", "https", "expected"),
    [
        ("localhost,127.0.0.1", None, False),
        ("study.example.org", None, True),
        ("localhost,study.example.org", None, True),
        ("*", None, True),
        ("study.example.org", "off", False),
        ("localhost", "on", True),
    ],
)
def test_https_is_on_unless_every_host_is_this_machine(
    read: Any, hosts: str, https: str | None, expected: bool
) -> None:
    settings = read(ALLOWED_HOSTS=hosts, **({} if https is None else {"HTTPS": https}))
    flags = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT")
    assert {settings[name] for name in flags} == {expected}
    assert (settings["SECURE_HSTS_SECONDS"] > 0) == expected
    assert (settings["SECURE_PROXY_SSL_HEADER"] is not None) == expected


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("DEBUG", "maybe", "DEBUG='maybe' is neither true nor false; use 'true' or 'false'"),
        ("HTTPS", "2", "HTTPS='2' is neither true nor false"),
        ("DATABASE_URL", "mysql://user@host/name", "is neither SQLite nor PostgreSQL"),
        ("DATABASE_URL", "nonsense", "DATABASE_URL='nonsense'... cannot be read"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT='xml' is unknown; use one of plain, json"),
        ("METRICS_TOKEN", "guess-me", "METRICS_TOKEN has fewer than 16 characters, so it could be guessed"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL='LOUD' is unknown; use one of DEBUG, INFO"),
        ("TIME_ZONE", "Mars/Olympus", "TIME_ZONE='Mars/Olympus' is no known time zone"),
        ("ALLOWED_HOSTS", "a,,b", "ALLOWED_HOSTS='a,,b' has an empty entry"),
        ("CSRF_TRUSTED_ORIGINS", "example.org", "has no scheme; use 'https://example.org'"),
        ("ASSIGNMENT_LIFETIME_HOURS", "a day", "ASSIGNMENT_LIFETIME_HOURS='a day' is not a whole number"),
        ("AXES_FAILURE_LIMIT", "0", "AXES_FAILURE_LIMIT='0' is too small; use 1 or more"),
        ("AXES_COOLOFF_MINUTES", "soon", "AXES_COOLOFF_MINUTES='soon' is not a whole number"),
        ("SESSION_HOURS", "0", "SESSION_HOURS='0' is too small"),
        ("TRUSTED_PROXIES", "proxy.example", "TRUSTED_PROXIES='proxy.example' is no IP address or network"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "use one like '127.0.0.1' or '10.0.0.0/8'"),
        ("ASSIGNMENT_LIFETIME_HOURS", "0", "ASSIGNMENT_LIFETIME_HOURS='0' is too small; use 1 or more"),
    ],
)
def test_a_wrong_value_stops_loudly(read: Any, name: str, value: str, message: str) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        read(**{name: value})
    assert message in str(error.value)


def test_a_server_on_the_internet_keeps_cookies_and_connections_safe(read: Any) -> None:
    settings = read(ALLOWED_HOSTS="study.example.org", DATABASE_URL=POSTGRES, SECRET_KEY="given")
    assert settings["SECURE_HSTS_SECONDS"] >= 30 * 24 * 3600
    assert settings["SECURE_SSL_REDIRECT"]
    for name in ("SESSION", "CSRF"):
        assert settings[f"{name}_COOKIE_SECURE"]
        assert settings[f"{name}_COOKIE_SAMESITE"] == "Lax"
    assert settings["SESSION_COOKIE_HTTPONLY"]
    assert settings["X_FRAME_OPTIONS"] == "DENY"
    assert not settings["DEBUG"]
    assert "argon2" in settings["PASSWORD_HASHERS"][0].lower()
    assert settings["AUTHENTICATION_BACKENDS"][0].startswith("axes.")
    # Nothing but what TRUSTED_PROXIES names is believed about addresses.
    assert settings["TRUSTED_PROXIES"] == []
    assert settings["REST_FRAMEWORK"]["NUM_PROXIES"] == 0


def test_sessions_last_two_weeks_unless_told_otherwise(read: Any) -> None:
    assert read()["SESSION_COOKIE_AGE"] == 14 * 24 * 3600
    assert read(SESSION_HOURS="8")["SESSION_COOKIE_AGE"] == 8 * 3600


def test_the_limits_of_log_ins_can_be_set(read: Any) -> None:
    settings = read()
    assert (settings["AXES_FAILURE_LIMIT"], settings["AXES_COOLOFF_TIME"]) == (8, timedelta(minutes=15))
    settings = read(AXES_FAILURE_LIMIT="3", AXES_COOLOFF_MINUTES="60")
    assert (settings["AXES_FAILURE_LIMIT"], settings["AXES_COOLOFF_TIME"]) == (3, timedelta(hours=1))


def test_trusted_proxies_are_addresses_and_networks(read: Any) -> None:
    trusted = read(TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8, fd00::/8")["TRUSTED_PROXIES"]
    assert [str(network) for network in trusted] == ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"]


def test_a_password_in_the_database_address_is_not_shown(read: Any) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        read(DATABASE_URL="mysql://user:hunter2@host/name")
    assert "hunter2" not in str(error.value)


def test_reports_are_computed_by_processes_unless_there_is_a_worker_for_them(read: Any) -> None:
    assert read()["REPORTS"] == "process"
    assert read(CELERY_BROKER_URL="redis://localhost/0")["REPORTS"] == "process"
    assert read(HARMONY_REPORT_WORKER="true")["REPORTS"] == "celery"


def test_a_worker_for_reports_needs_a_broker(read: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="HARMONY_REPORT_WORKER is true, and CELERY_BROKER_URL is not set"):
        read(HARMONY_REPORT_WORKER="true")


def test_without_a_broker_tasks_run_in_the_process_that_calls_them(read: Any) -> None:
    assert read()["CELERY_TASK_ALWAYS_EAGER"]
    assert not read(CELERY_BROKER_URL="redis://localhost/0")["CELERY_TASK_ALWAYS_EAGER"]


def test_collected_static_files_get_hashed_names(read: Any, tmp_path: Path) -> None:
    assert read()["WHITENOISE_USE_FINDERS"]
    settings = read(STATIC_ROOT=str(tmp_path / "static"))
    assert not settings["WHITENOISE_USE_FINDERS"]
    assert "Manifest" in settings["STORAGES"]["staticfiles"]["BACKEND"]


def test_the_deployment_check_is_clean_in_production(tmp_path: Path) -> None:
    environment = {
        "ALLOWED_HOSTS": "study.example.org",
        "DATABASE_URL": POSTGRES,
        "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "HARMONY_DATA_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
