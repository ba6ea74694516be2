"""What the doctor says of settings and packages, in good and in bad state."""

import ipaddress
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from harmony_app.doctor import of_software
from harmony_app.doctor.result import State
from harmony_app.doctor.tests.asked import ask, said, worst

PUBLIC = {"ALLOWED_HOSTS": ["harmony.example"], "HTTPS": True}
GOOD_KEY = "k3y-of-a-server-that-nobody-can-guess-0123456789-abcdefghij"


@pytest.mark.parametrize(
    ("check", "good", "bad", "state"),
    [
        ("debug", {"DEBUG": False}, {"DEBUG": True}, State.FAIL),
        ("secret key", {"SECRET_KEY": GOOD_KEY}, {"SECRET_KEY": "short"}, State.FAIL),
        ("secret key", {"SECRET_KEY": GOOD_KEY}, {"SECRET_KEY": 60 * "a"}, State.FAIL),
        ("hosts", PUBLIC, {"ALLOWED_HOSTS": ["*"]}, State.FAIL),
        ("hosts", PUBLIC, {"ALLOWED_HOSTS": ["localhost"]}, State.WARN),
        ("https", PUBLIC, PUBLIC | {"HTTPS": False}, State.FAIL),
        ("https", {"ALLOWED_HOSTS": ["localhost"], "HTTPS": False}, PUBLIC | {"HTTPS": False}, State.FAIL),
        (
            "csrf origins",
            {"CSRF_TRUSTED_ORIGINS": ["https://harmony.example"], "HTTPS": True},
            {"CSRF_TRUSTED_ORIGINS": ["http://harmony.example"], "HTTPS": True},
            State.WARN,
        ),
        (
            "proxies",
            PUBLIC | {"TRUSTED_PROXIES": [ipaddress.ip_network("10.0.0.0/8")]},
            PUBLIC | {"TRUSTED_PROXIES": []},
            State.WARN,
        ),
        (
            "proxies",
            {"ALLOWED_HOSTS": ["localhost"], "TRUSTED_PROXIES": []},
            {"TRUSTED_PROXIES": [ipaddress.ip_network("0.0.0.0/0")]},
            State.FAIL,
        ),
    ],
)
def test_a_setting_is_ok_or_named_with_the_remedy(
    settings: Settings, check: str, good: dict[str, Any], bad: dict[str, Any], state: State
) -> None:
    for name, value in good.items():
        setattr(settings, name, value)
    assert worst(check) is State.OK
    for name, value in bad.items():
        setattr(settings, name, value)
    assert worst(check) is state
    assert said(check).rpartition("-> ")[2]


def test_a_secret_key_is_never_printed(settings: Settings) -> None:
    settings.SECRET_KEY = "abcabc-secret"
    assert "abcabc" not in str(ask("secret key"))


def test_static_files_have_to_be_collected(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    assert "run `manage.py collectstatic" in said("static files")


def test_static_files_of_an_earlier_version_are_said(settings: Settings, tmp_path: Path) -> None:
    source, root = tmp_path / "source", tmp_path / "collected"
    for folder in (source, root):
        (folder / "site").mkdir(parents=True)
        (folder / "site" / "pages.css").write_text("body { color: black }")
    (root / "staticfiles.json").write_text("{}")
    settings.STATIC_ROOT, settings.STATICFILES_DIRS = root, [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    assert worst("static files") is State.OK
    (source / "site" / "pages.css").write_text("body { color: white }")
    (source / "site" / "new.js").write_text("export {};")
    assert "2 static files are not as they were collected" in said("static files")
    assert "run `manage.py collectstatic" in said("static files")


def test_packages_are_compared_with_what_is_required(settings: Settings, tmp_path: Path) -> None:
    assert worst("packages") is State.OK
    settings.BASE_DIR = tmp_path
    lines = ["# comment", "-c constraints.txt", "django>=99", "no-such-package", "drf-spectacular[sidecar]>=0.1", "?!"]
    (tmp_path / of_software.REQUIREMENTS).write_text("\n".join(lines))
    found = [one.text for one in ask("packages")]
    assert [text.split()[0] for text in found] == ["django", "no-such-package", "requirements-web.txt"]
    assert "is installed, and >=99 is needed" in found[0]
