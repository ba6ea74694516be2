"""The address that a request comes from, also behind proxies, without believing what a client says about itself."""

import ipaddress
from collections.abc import Callable, Sequence

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the address of the client, given the connection's `peer` and the header `X-Forwarded-For`.

    Every proxy appends the address that it was asked from, so the header is read from its end, and only as long as
    each reporter is one of the `trusted` proxies. What stands further to the left may be made up.
    """
    client = peer
    reports = forwarded_for.split(",") if forwarded_for else []
    while reports and _is_trusted(client, trusted):
        reported = parsed_address(reports.pop())
        if reported is None:
            break
        client = str(reported)
    return client


def parsed_address(text: str) -> Address | None:
    """Return an IP address without its zone; an IPv4 address written as IPv6 becomes IPv4. None for anything else."""
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_trusted(text: str, trusted: Sequence[Network]) -> bool:
    address = parsed_address(text)
    return address is not None and any(address in network for network in trusted)


class ClientAddressMiddleware:
    """Put the client's address into `REMOTE_ADDR`, so that whatever throttles or logs needs no header."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        forwarded_for = request.META.get("HTTP_X_FORWARDED_FOR", "")
        if forwarded_for and settings.TRUSTED_PROXIES:
            peer = request.META.get("REMOTE_ADDR", "")
            request.META["REMOTE_ADDR"] = client_address(peer, forwarded_for, settings.TRUSTED_PROXIES)
        return self.get_response(request)
