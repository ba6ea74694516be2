"""Attacks on the site as it is really served: large bodies, host names, odd requests, guessing at one moment."""

import http.client
import json
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode, urlparse

import pytest

from harmony_app.tests.browser import Browser
from harmony_app.tests.servers import LiveSite

pytestmark = pytest.mark.slow

MEGABYTE = 1024 * 1024
# Whoever waited for such a body would wait for its end, or for as long as these tests' clients do.
SECONDS = 20.0
CLIENT_SECONDS = 60.0
ADDRESSES = ["/accounts/login/", "/admin/login/", "/api/v1/assignments/a-token/responses/", "/studies/none/withdraw/"]


@pytest.fixture(scope="module")
def site(live_site: Callable[..., LiveSite]) -> LiveSite:
    return live_site(workers=1)


def connection_to(site: LiveSite) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", site.port, timeout=CLIENT_SECONDS)


def processes(site: LiveSite) -> list[int]:
    """The server and its workers."""
    assert site.server.process is not None
    parent = site.server.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [parent, *map(int, children)]


def memory(site: LiveSite) -> int:
    """The most memory that the server and its workers have ever held, in bytes."""
    peaks = [re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text()) for pid in processes(site)]
    return sum(int(peak[1]) * 1024 for peak in peaks if peak is not None)


def posted(site: LiveSite, address: str, body: bytes, kind: str = "application/json") -> int:
    connection = connection_to(site)
    try:
        connection.request("POST", address, body, {"Content-Type": kind})
        return connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):
        # Refused, and the connection closed, before everything was sent.
        return 413
    finally:
        connection.close()


def raw(site: LiveSite, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", site.port), timeout=CLIENT_SECONDS) as connection:
        connection.sendall(request)
        return connection.recv(65536)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_ten_megabytes_are_refused_quickly(site: LiveSite, address: str, kind: str) -> None:
    started = time.monotonic()
    assert posted(site, address, b"x" * (10 * MEGABYTE), kind) == 413
    assert time.monotonic() - started < SECONDS


def test_many_large_bodies_at_one_moment_take_no_memory(site: LiveSite) -> None:
    Browser(site.url).get("/accounts/login/")
    before = memory(site)
    body = b"x" * (10 * MEGABYTE)
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: posted(site, ADDRESSES[0], body), range(32)))
    assert set(replies) == {413}
    assert memory(site) - before < 16 * MEGABYTE


def test_a_body_that_is_announced_and_never_sent_is_refused_at_once(site: LiveSite) -> None:
    head = f"POST {ADDRESSES[2]} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    started = time.monotonic()
    reply = raw(site, f"{head}Content-Length: 10000000000\r\n\r\n".encode())
    assert reply.startswith(b"HTTP/1.1 413")
    assert time.monotonic() - started < SECONDS


def test_a_body_in_chunks_is_no_way_around(site: LiveSite) -> None:
    before = memory(site)
    connection = connection_to(site)
    chunks = (b"x" * 65536 for _ in range(160))
    try:
        connection.request("POST", ADDRESSES[2], chunks, {"Content-Type": "application/json"}, encode_chunked=True)
        status = connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):
        status = 400
    assert status in (400, 403, 411, 413)
    assert memory(site) - before < 16 * MEGABYTE


def test_the_site_still_answers_after_all_of_this(site: LiveSite) -> None:
    assert Browser(site.url).get("/healthz").status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "localhost@evil.example", "evil.example:80", "", "localhost:evil"],
)
def test_a_host_that_is_not_the_sites_is_refused(site: LiveSite, host: str) -> None:
    reply = raw(site, f"GET /accounts/login/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert reply.startswith(b"HTTP/1.1 400")
    assert b"evil.example" not in reply


def test_a_forwarded_host_is_not_believed(site: LiveSite) -> None:
    head = (
        "GET /studies/none/ HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n"
    )
    reply = raw(site, head.encode())
    assert reply.startswith(b"HTTP/1.1 302")
    assert b"evil.example" not in reply


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /../../etc/passwd HTTP/1.1",
        "GET /static/../harmony_app/settings.py HTTP/1.1",
        "GET /static/%2e%2e/%2e%2e/etc/passwd HTTP/1.1",
        "GET /static/..%5c..%5csettings.py HTTP/1.1",
        "GET //evil.example/%2f.. HTTP/1.1",
        "GET /pictures/%00/left HTTP/1.1",
        "GET /studies/" + "a" * 8000 + "/ HTTP/1.1",
        "TRACE / HTTP/1.1",
        "CONNECT evil.example:443 HTTP/1.1",
        "GET http://evil.example/ HTTP/1.1",
    ],
    ids=lambda line: line[:40],
)
def test_odd_requests_get_nothing(site: LiveSite, request_line: str) -> None:
    reply = raw(site, f"{request_line}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    status = int(reply.split()[1])
    location = re.search(rb"\r\nLocation: (\S+)", reply)
    assert status in (301, 302, 400, 404, 405, 414), reply[:200]
    assert location is None or re.match(rb"/(?!/)", location[1]), location
    assert b"root:" not in reply
    assert b"SECRET_KEY" not in reply


def test_a_request_within_a_request_is_not_answered(site: LiveSite) -> None:
    """Two lengths at once (request smuggling): the front and the back must not read different requests."""
    head = (
        "POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    reply = raw(site, f"{head}0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert reply.count(b"HTTP/1.1 ") == 1
    assert b'"ok"' not in reply


ACCOUNT = """
import django
django.setup()
from studies.models import User
User.objects.create_user(username="target", password="the-right-password")
"""


def test_guessing_at_one_moment_gives_hardly_more_guesses(site: LiveSite) -> None:
    """Guesses at the same moment do not see each other's failure, so as many as there are threads may be looked at."""
    site.python("-c", ACCOUNT)
    threads, limit = 4, 8
    parsed = urlparse(site.url)
    browser = Browser(site.url)
    browser.get("/accounts/login/")
    token = browser.cookie("csrftoken")
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={token}"}

    def guess(number: int) -> int:
        connection = http.client.HTTPConnection(parsed.hostname or "", parsed.port, timeout=60)
        form = {"username": "target", "password": f"guess-{number}", "csrfmiddlewaretoken": token}
        connection.request("POST", "/accounts/login/", urlencode(form), headers)
        status = connection.getresponse().status
        connection.close()
        return status

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(guess, range(40)))
    # 200: the password was looked at. 429: it was not, or it was the last that was.
    assert statuses.count(200) <= limit + threads
    assert set(statuses) == {200, 429}
    right = {"username": "target", "password": "the-right-password", "csrfmiddlewaretoken": token}
    connection = connection_to(site)
    connection.request("POST", "/accounts/login/", urlencode(right), headers)
    assert connection.getresponse().status == 429


def test_errors_tell_nothing_of_the_server(site: LiveSite) -> None:
    browser = Browser(site.url)
    for reply in (browser.get("/no/such/page"), browser.post_json("/api/v1/assignments/x/responses/", {"a": 1})):
        text = json.dumps(reply.headers).lower() + reply.body.decode().lower()
        assert "traceback" not in text
        assert "django" not in text
        assert str(site.folder).lower() not in text
