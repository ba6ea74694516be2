"""Who may look into the running site: admins, and programs that bring `METRICS_TOKEN`."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from harmony_app.client_address import parsed_address
from studies.roles import is_admin

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")


def has_token(request: HttpRequest) -> bool:
    """Whether the request brings the token of the metrics; never where none is set."""
    scheme, _, given = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if not settings.METRICS_TOKEN or scheme.lower() != "bearer":
        return False
    return constant_time_compare(given.strip(), settings.METRICS_TOKEN)


def is_admins(request: HttpRequest) -> bool:
    """Whether an admin asks. Reads the session, so it takes a database that answers."""
    # Without a cookie there is no session, and nothing to ask the database for.
    return settings.SESSION_COOKIE_NAME in request.COOKIES and is_admin(request.user)


def is_from_this_machine(request: HttpRequest) -> bool:
    """Whether the request comes from a program on this machine, and through no proxy on it."""
    if any(name in request.META for name in FORWARDED):
        return False
    address = parsed_address(request.META.get("REMOTE_ADDR", ""))
    return address is not None and ipaddress.ip_address(address).is_loopback
