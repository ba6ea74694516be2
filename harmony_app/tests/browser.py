"""A plain HTTP client with cookies, as a browser without a screen."""

import http.cookiejar
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    """Status, headers and body of a reply."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Browser:
    """Asks one site, keeping its cookies; redirects are followed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path: str) -> Reply:
        return self._ask(urllib.request.Request(f"{self.url}{path}"))

    def post_json(self, path: str, body: Any) -> Reply:
        headers = {"Content-Type": "application/json", "X-CSRFToken": self.cookie("csrftoken")}
        return self._ask(urllib.request.Request(f"{self.url}{path}", json.dumps(body).encode(), headers))

    def post_form(self, path: str, form: Mapping[str, str]) -> Reply:
        """Send a form with the CSRF token of the page before."""
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": self.cookie("csrftoken"), **form}).encode()
        return self._ask(urllib.request.Request(f"{self.url}{path}", body))

    def log_in(self, username: str, password: str) -> None:
        """Log in through the form; raises AssertionError if the site does not let the user in."""
        self.get("/accounts/login/")
        form = {"username": username, "password": password, "csrfmiddlewaretoken": self.cookie("csrftoken")}
        request = urllib.request.Request(f"{self.url}/accounts/login/", urllib.parse.urlencode(form).encode())
        reply = self._ask(request)
        assert reply.status == 200, reply.body
        assert self.cookie("sessionid")

    def cookie(self, name: str) -> str:
        values = [cookie.value for cookie in self.cookies if cookie.name == name]
        return values[0] or "" if values else ""

    def _ask(self, request: urllib.request.Request) -> Reply:
        try:
            with self.opener.open(request, timeout=60) as reply:
                return Reply(reply.status, dict(reply.headers), reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, dict(error.headers), error.read())
