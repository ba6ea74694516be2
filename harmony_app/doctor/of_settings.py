"""The settings of a site that others can reach."""

from collections.abc import Iterator
from filecmp import cmp
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders

from harmony_app.doctor.result import Result, fail, ok, warn

LEAST_KEY = 50
LEAST_KINDS = 5
COLLECT = "run `manage.py collectstatic --noinput`, and start the web servers again"


def is_public() -> bool:
    """Whether the site answers to other names than this machine's."""
    return any(host not in settings.LOOPBACK_HOSTS for host in settings.ALLOWED_HOSTS)


def debug() -> Iterator[Result]:
    if settings.DEBUG:
        yield fail("DEBUG is on: error pages show code and settings to anybody", "set DEBUG=false")
    else:
        yield ok("DEBUG is off")


def secret_key() -> Iterator[Result]:
    key = settings.SECRET_KEY
    if len(key) < LEAST_KEY or len(set(key)) < LEAST_KINDS:
        yield fail(
            f"SECRET_KEY is short or simple ({len(key)} characters)",
            "set it to 50 random characters or more; while studies run it must not change, as people from Prolific "
            "are known by it",
        )
    else:
        yield ok(f"SECRET_KEY has {len(key)} characters")


def hosts() -> Iterator[Result]:
    if "*" in settings.ALLOWED_HOSTS:
        yield fail("ALLOWED_HOSTS takes every name", "set ALLOWED_HOSTS to the names of the site")
    elif is_public():
        yield ok(f"ALLOWED_HOSTS: {', '.join(settings.ALLOWED_HOSTS)}")
    else:
        yield warn(
            "ALLOWED_HOSTS holds this machine alone, so nobody else can come in",
            "set ALLOWED_HOSTS to the names of the site, unless this is a laptop",
        )


def https() -> Iterator[Result]:
    if settings.HTTPS:
        yield ok("HTTPS is on: secure cookies, redirects, HSTS")
    elif is_public():
        yield fail("HTTPS is off, and others can reach the site: passwords go in plain text", "set HTTPS=true")
    else:
        yield ok("HTTPS is off, and only this machine can reach the site")


def csrf_origins() -> Iterator[Result]:
    plain = [origin for origin in settings.CSRF_TRUSTED_ORIGINS if origin.startswith("http://")]
    if plain and settings.HTTPS:
        yield warn(f"CSRF_TRUSTED_ORIGINS has {plain[0]} without HTTPS", "write https:// instead, or leave it out")
    else:
        yield ok(f"CSRF_TRUSTED_ORIGINS: {', '.join(settings.CSRF_TRUSTED_ORIGINS) or 'none needed'}")


def proxies() -> Iterator[Result]:
    wide = [network for network in settings.TRUSTED_PROXIES if network.prefixlen == 0]
    if wide:
        yield fail(
            f"TRUSTED_PROXIES believes everybody ({wide[0]}): log-ins cannot be throttled",
            "set it to the addresses of the proxies in front",
        )
    elif is_public() and not settings.TRUSTED_PROXIES:
        yield warn(
            "TRUSTED_PROXIES is not set: behind a proxy all clients share its address, and one locks out all",
            "set it to the addresses of the proxies in front; without a proxy leave it",
        )
    else:
        yield ok(f"TRUSTED_PROXIES: {', '.join(map(str, settings.TRUSTED_PROXIES)) or 'none'}")


def static_files() -> Iterator[Result]:
    root = settings.STATIC_ROOT
    if root is None:
        state = warn if is_public() else None
        text = "STATIC_ROOT is not set: static files are served from the source"
        yield state(text, "set STATIC_ROOT and run `manage.py collectstatic`") if state else ok(text)
    elif not (root / "staticfiles.json").is_file():
        yield fail(f"{root} holds no collected static files", COLLECT)
    elif changed := sorted(_changed(root)):
        yield fail(
            f"{len(changed)} static files are not as they were collected in {root}, the first is {changed[0]}: "
            "pages may fail or look broken",
            COLLECT,
        )
    else:
        yield ok(f"static files are collected in {root}, and as they are in the source")


def _changed(root: Path) -> Iterator[str]:
    """Give the static files of the source of which there is no copy, or another one."""
    seen: set[str] = set()
    for finder in get_finders():
        for path, storage in finder.list(["CVS", ".*", "*~"]):
            name = f"{storage.prefix}/{path}" if getattr(storage, "prefix", None) else path
            # Of files of one name the first is collected.
            if name in seen:
                continue
            seen.add(name)
            if not (root / name).is_file() or not cmp(storage.path(path), root / name, shallow=False):
                yield name
