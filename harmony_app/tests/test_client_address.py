"""Where a request comes from: headers are believed only where a trusted proxy wrote them."""

import ipaddress

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from harmony_app.client_address import ClientAddressMiddleware, client_address

TRUSTED = [ipaddress.ip_network("127.0.0.1"), ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "expected"),
    [
        pytest.param("127.0.0.1", "203.0.113.5", "203.0.113.5", id="one proxy"),
        pytest.param("127.0.0.1", "203.0.113.5, 10.0.0.7", "203.0.113.5", id="two proxies"),
        pytest.param("127.0.0.1", "198.51.100.1, 203.0.113.5", "203.0.113.5", id="the client made an entry up"),
        pytest.param("127.0.0.1", "10.0.0.9, 203.0.113.5, 10.0.0.7", "203.0.113.5", id="it made a proxy up"),
        pytest.param("203.0.113.5", "198.51.100.1", "203.0.113.5", id="past the proxy"),
        pytest.param("127.0.0.1", "", "127.0.0.1", id="no header"),
        pytest.param("127.0.0.1", "203.0.113.5, nonsense", "127.0.0.1", id="no address"),
        pytest.param("127.0.0.1", ",,,", "127.0.0.1", id="commas alone"),
        pytest.param("127.0.0.1", "10.0.0.1, 10.0.0.2", "10.0.0.1", id="from among the proxies"),
        pytest.param("fd00::2", "2001:db8::9", "2001:db8::9", id="IPv6"),
        pytest.param("::ffff:127.0.0.1", "::ffff:203.0.113.5", "203.0.113.5", id="IPv4 written as IPv6"),
        pytest.param("fd00::2%eth0", "2001:db8::9%evil", "2001:db8::9", id="zones"),
        pytest.param("", "203.0.113.5", "", id="no peer"),
    ],
)
def test_a_header_is_believed_as_far_as_trusted_proxies_wrote_it(peer: str, forwarded_for: str, expected: str) -> None:
    assert client_address(peer, forwarded_for, TRUSTED) == expected


@pytest.mark.parametrize(("trusted", "expected"), [([], "127.0.0.1"), (TRUSTED, "203.0.113.5")])
def test_no_proxy_is_trusted_unless_the_settings_name_it(
    settings: Settings, trusted: list[ipaddress.IPv4Network], expected: str
) -> None:
    settings.TRUSTED_PROXIES = trusted

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.META["REMOTE_ADDR"])

    request = RequestFactory().get("/", headers={"X-Forwarded-For": "203.0.113.5"})
    assert ClientAddressMiddleware(view)(request).getvalue().decode() == expected


def test_a_header_of_a_megabyte_is_read_in_no_time() -> None:
    assert client_address("127.0.0.1", "10.0.0.1," * 100_000 + "203.0.113.5", TRUSTED) == "203.0.113.5"
