"""Log-in throttling: what django-axes counts by, and the page that someone sees who has to wait."""

import ipaddress
import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from harmony_app.client_address import parsed_address

# No account has a longer name, and longer texts would not fit where attempts are counted.
LONGEST_NAME = 150
# Whoever has an IPv6 address has this whole network, so one address more is no other client.
IPV6_PREFIX = 64


def throttled_name(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> str:
    """Return the name under which log-ins are counted, whether or not there is such an account."""
    given = (credentials or {}).get("username") or request.POST.get("username", "")
    return str(given)[:LONGEST_NAME]


def throttled_address(request: HttpRequest) -> str | None:
    """Return the address under which log-ins are counted: of an IPv6 address, the network's."""
    address = parsed_address(request.META.get("REMOTE_ADDR", ""))
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False).network_address)
    return None if address is None else str(address)


@never_cache
def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: Mapping[str, Any] | None = None
) -> HttpResponse:
    """Say when to try again, with status 429; nothing tells whether the account exists or the password was right."""
    wait = _time_left(request, credentials)
    context = {"minutes": math.ceil(wait.total_seconds() / 60)}
    page = render(request, "registration/locked_out.html", context, status=settings.AXES_HTTP_RESPONSE_CODE)
    page.headers["Retry-After"] = str(math.ceil(wait.total_seconds()))
    return page


def _time_left(request: HttpRequest, credentials: Mapping[str, Any] | None) -> timedelta:
    counted = AccessAttempt.objects.filter(
        username=throttled_name(request, credentials), ip_address=throttled_address(request)
    )
    last = counted.aggregate(last=Max("attempt_time"))["last"] or timezone.now()
    left: timedelta = last + settings.AXES_COOLOFF_TIME - timezone.now()
    return max(left, timedelta(seconds=1))
