"""Readers of environment variables that stop loudly: every error names the variable, its value and the remedy."""

import contextlib
import ipaddress
import os
import secrets
import tempfile
import zoneinfo
from collections.abc import Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


def env_text(name: str, default: str | None = None) -> str:
    """Return the variable's text; an unset or empty variable gives the default, and raises where there is none."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"{name} is not set; set it in the environment")
    return default


def env_bool(name: str, default: bool) -> bool:
    """Return True or False; anything but true/false, yes/no, on/off, 1/0 raises."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if value.lower() in TRUE_WORDS:
        return True
    if value.lower() in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is neither true nor false; use 'true' or 'false'")


def env_int(name: str, default: int, minimum: int = 0) -> int:
    """Return a whole number of at least `minimum`."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        number = int(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number; use one like {default}") from error
    if number < minimum:
        raise ImproperlyConfigured(f"{name}={value!r} is too small; use {minimum} or more")
    return number


def env_list(name: str, default: Sequence[str] = ()) -> list[str]:
    """Return the comma-separated entries, stripped; an empty entry raises."""
    value = os.environ.get(name, "").strip()
    if not value:
        return list(default)
    entries = [entry.strip() for entry in value.split(",")]
    if not all(entries):
        raise ImproperlyConfigured(f"{name}={value!r} has an empty entry; separate the entries by single commas")
    return entries


def env_choice(name: str, default: str, choices: Sequence[str]) -> str:
    """Return one of `choices`, compared without regard to case."""
    value = env_text(name, default)
    for choice in choices:
        if value.lower() == choice.lower():
            return choice
    raise ImproperlyConfigured(f"{name}={value!r} is unknown; use one of {', '.join(choices)}")


def env_networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Return the comma-separated IP addresses and networks (`10.0.0.0/8`); none if the variable is unset."""
    networks = []
    for entry in env_list(name):
        try:
            networks.append(ipaddress.ip_network(entry))
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name}={entry!r} is no IP address or network ({error}); use one like '127.0.0.1' or '10.0.0.0/8'"
            ) from error
    return networks


def env_path(name: str, default: Path) -> Path:
    """Return an absolute path; `~` stands for the home folder."""
    return Path(env_text(name, str(default))).expanduser().resolve()


def env_time_zone(name: str, default: str) -> str:
    """Return the name of a time zone that this machine knows."""
    value = env_text(name, default)
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise ImproperlyConfigured(f"{name}={value!r} is no known time zone; use one like 'Europe/Zagreb'") from error
    return value


def made_once(path: Path, text: str) -> str:
    """Return the content of `path`, first writing `text` there (mode 0600) if the file does not exist.

    Safe when several processes start at once: the file is written aside and linked into place, so the first one
    wins and everyone reads the winner's whole content.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
            # If another process was first, its content is read below.
            with contextlib.suppress(FileExistsError):
                os.link(name, path)
        finally:
            Path(name).unlink()
    content = path.read_text(encoding="ascii").strip()
    if not content:
        raise ImproperlyConfigured(f"{path} is empty; delete it so that a new one is made")
    return content


def random_secret() -> str:
    """Return 64 URL-safe characters of randomness."""
    return secrets.token_urlsafe(48)
