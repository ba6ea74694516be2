"""Errors to Sentry: what a server of its own receives, and that nothing is loaded where none is named."""

import gzip
import http.server
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harmony_app.local_servers import answers_http
from harmony_app.tests.browser import Browser
from harmony_app.tests.servers import ROOT, LiveSite, private_folder, until

PID = "5f3c9a7be1d2c4a6b8901234"


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps the envelopes that are sent to it."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def dsn(self) -> str:
        return f"http://key@127.0.0.1:{self.server_port}/7"

    def events(self) -> list[dict[str, Any]]:
        items = [json.loads(line) for envelope in self.received for line in envelope.splitlines()]
        return [item for item in items if "exception" in item]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.received.append(body)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def run(code: str, **environment: str) -> str:
    with private_folder() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"HARMONY_DATA_DIR": str(folder), "PATH": "", "DJANGO_SETTINGS_MODULE": "harmony_app.settings"}
            | environment,
            capture_output=True,
            text=True,
        )
    return done.stdout + done.stderr


def test_without_a_dsn_nothing_of_sentry_is_loaded() -> None:
    found = run("import django, sys; django.setup(); import harmony_app.urls; print('sentry_sdk' in sys.modules)")
    assert found.strip() == "False"


def test_a_wrong_dsn_stops_the_start_without_being_repeated() -> None:
    said = run("import django; django.setup()", SENTRY_DSN="https://secret-key-without-project")
    assert "SENTRY_DSN is no address of a Sentry project" in said.splitlines()[-1]
    assert "secret-key" not in said.splitlines()[-1]


def test_a_fault_is_received_without_anything_personal(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_DSN", receiver.dsn)
    with private_folder() as folder:
        # Tables are not made: every page that reads them is a fault.
        site = LiveSite(folder, None, 1)
        site.server.launch()
        try:
            until(site.server, lambda: answers_http(f"{site.url}/healthz"))
            browser = Browser(site.url)
            browser.opener.addheaders = [
                ("Cookie", "sessionid=a-secret-session"),
                ("Authorization", "Bearer a-secret-token"),
            ]
            reply = browser.get(f"/prolific/study/?PROLIFIC_PID={PID}&STUDY_ID={'b' * 24}&SESSION_ID={'c' * 24}")
            assert reply.status == 500
            browser.post_form("/accounts/login/", {"username": "grace.hopper", "password": "hunter2hunter2"})
            browser.get("/join/a-secret-link/")
            wait_for(lambda: bool(receiver.events()))
        finally:
            site.stop()
    events = receiver.events()
    assert events
    first = events[0]
    assert first["exception"]["values"][-1]["type"] == "OperationalError"
    assert first["tags"]["request_id"] == reply.headers["X-Request-ID"]
    assert set(first["request"]) == {"url", "method"}
    assert not {"user", "extra", "server_name"} & {name for name, value in first.items() if value}
    text = b"".join(receiver.received).decode()
    for secret in (PID, "a-secret-session", "a-secret-token", "a-secret-link", "hunter2", "grace"):
        assert secret not in text, secret
    assert '"vars"' not in text
