"""Asking for every address of the site in every role, without leaving anything behind."""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.db import connection, transaction
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse

from harmony_app.tests.access_table import ACCESS, ADMIN_LOG_IN, LOG_IN, Expected, Role, Rule
from harmony_app.tests.scene import Scene
from studies.models import User

ADMIN_NAMESPACE = "admin"
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "ALTER", "CREATE", "DROP")
LOG_INS = {"/accounts/login/?next=": LOG_IN, "/admin/login/?next=": ADMIN_LOG_IN}


@dataclass(frozen=True)
class Reply:
    """What someone got, and the statements by which it changed the database."""

    method: str
    path: str
    status: Expected
    headers: Mapping[str, str]
    body: str
    writes: Sequence[str]

    @property
    def is_html(self) -> bool:
        return self.headers.get("Content-Type", "").startswith("text/html")


@dataclass(frozen=True)
class Address:
    """A URL pattern: its name with namespaces, its whole route, and whether it is the Django admin's."""

    name: str
    route: str
    is_of_admin: bool
    arguments: Sequence[str]


@cache
def addresses() -> list[Address]:
    """Return every URL pattern of the project."""
    return list(_addresses(get_resolver(), "", []))


def _addresses(resolver: URLResolver, route: str, namespaces: list[str]) -> Iterator[Address]:
    for pattern in resolver.url_patterns:
        whole = f"{route}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            inner = [*namespaces, pattern.namespace] if pattern.namespace else namespaces
            yield from _addresses(pattern, whole, inner)
        elif isinstance(pattern, URLPattern):
            name = ":".join([*namespaces, pattern.name or ""])
            arguments = [*pattern.pattern.converters, *pattern.pattern.regex.groupindex]
            yield Address(name, whole, namespaces[:1] == [ADMIN_NAMESPACE], list(dict.fromkeys(arguments)))


def user_in(role: Role, scene: Scene) -> User | None:
    return {
        Role.ANONYMOUS: None,
        Role.ANNOTATOR: scene.annotator,
        Role.OTHER_ANNOTATOR: scene.other_annotator,
        Role.OWNER: scene.owner,
        Role.OTHER_RESEARCHER: scene.other_researcher,
        Role.ADMIN: scene.admin,
    }[role]


def path_of(name: str, rule: Rule, scene: Scene) -> str:
    """Return the address under which a rule is tried."""
    [names] = [address.arguments for address in addresses() if address.name == name][:1]
    given = {key: value(scene) if callable(value) else value for key, value in rule.arguments.items()}
    return reverse(name, kwargs={key: given[key] if key in given else scene.arguments[key] for key in names})


def route_of(path: str) -> str:
    return resolve(path).route


def ask(scene: Scene, user: User | None, method: str, path: str, *, enforce_csrf: bool = False, **sent: Any) -> Reply:
    """Ask as someone, and take back whatever it changed, in the database and in the browser."""
    client = _client(scene, user)
    client.handler.enforce_csrf_checks = enforce_csrf
    cookies = copy.deepcopy(client.cookies)
    with transaction.atomic():
        with CaptureQueriesContext(connection) as queries:
            response = client.generic(method, path, **sent)
            body = content(response)
        transaction.set_rollback(True)
    client.cookies = cookies
    return Reply(
        method=method,
        path=path,
        status=status_of(response),
        headers=dict(response.headers),
        body=body,
        writes=[sql for query in queries if (sql := query["sql"]).startswith(WRITES)],
    )


def ask_by_rule(name: str, rule: Rule, user: User | None, scene: Scene, *, enforce_csrf: bool = False) -> Reply:
    """Ask as the access table says."""
    body = rule.body(scene) if callable(rule.body) else rule.body
    sent: dict[str, Any] = {}
    if rule.method != "GET":
        sent = _as_json(body) if rule.is_json else _as_form(body)
    path = path_of(name, rule, scene)
    return ask(scene, user, rule.method, path, enforce_csrf=enforce_csrf, **sent)


def _client(scene: Scene, user: User | None) -> Client:
    """Return the browser of someone, made once: to load the middleware takes longer than to ask."""
    key = None if user is None else user.pk
    if key not in scene.clients:
        scene.clients[key] = Client(raise_request_exception=False)
        if user is not None:
            scene.clients[key].force_login(user)
    return scene.clients[key]


def rules() -> Iterator[tuple[str, Rule]]:
    """Give every rule of the access table with the name of its address."""
    for name, listed in ACCESS.items():
        for rule in listed:
            yield name, rule


def content(response: HttpResponseBase) -> str:
    """Return the body as text, also of a stream."""
    parts = response if response.streaming else [getattr(response, "content", b"")]
    return b"".join(parts).decode(errors="replace")


def status_of(response: HttpResponseBase) -> Expected:
    """Return the status; a redirect to a log-in page by its own word."""
    location = response.headers.get("Location", "")
    for start, word in LOG_INS.items():
        if response.status_code == 302 and location.startswith(start):
            return word
    return response.status_code


def _as_form(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"data": urlencode(body, doseq=True), "content_type": "application/x-www-form-urlencoded"}


def _as_json(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"data": json.dumps(body), "content_type": "application/json"}
