"""Asking for every address of the site in every role, without leaving anything behind."""

import copy
import json
import re
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

Cell = tuple[str, str]
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")
# Those for whom every method is tried: nobody, someone with a part in the study, and someone who may do anything.
TRIERS = (Role.ANONYMOUS, Role.ANNOTATOR, Role.ADMIN)
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
class Walk:
    """What was got on a walk through the whole site.

    By name and method of a rule: what each role got, the collaborator, and each role without a CSRF token. By name:
    replies to methods that are not in the table. By route: pages of Django's admin.
    """

    cells: Mapping[Cell, Mapping[Role, Reply]]
    of_collaborator: Mapping[Cell, Reply]
    without_token: Mapping[Cell, Mapping[Role, Reply]]
    other_methods: Mapping[str, Sequence[tuple[Role, Reply]]]
    of_admin: Mapping[str, Sequence[tuple[Role, Reply]]]


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


def walk(scene: Scene) -> Walk:
    """Ask for everything; takes a while."""
    every = list(rules())
    return Walk(
        cells={
            (name, rule.method): {role: ask_by_rule(name, rule, user_in(role, scene), scene) for role in Role}
            for name, rule in every
        },
        of_collaborator={
            (name, rule.method): ask_by_rule(name, rule, scene.collaborator, scene) for name, rule in every
        },
        without_token={
            (name, rule.method): {
                role: ask_by_rule(name, rule, user_in(role, scene), scene, enforce_csrf=True) for role in Role
            }
            for name, rule in every
            if rule.method != "GET"
        },
        other_methods={name: list(_by_other_methods(name, scene)) for name in ACCESS},
        of_admin={address.route: list(_in_admin(address, scene)) for address in addresses() if address.is_of_admin},
    )


def _by_other_methods(name: str, scene: Scene) -> Iterator[tuple[Role, Reply]]:
    listed = ACCESS[name]
    path = path_of(name, listed[0], scene)
    for method in METHODS:
        if method not in {rule.method for rule in listed}:
            for role in TRIERS:
                yield role, ask(scene, user_in(role, scene), method, path)


def _in_admin(address: Address, scene: Scene) -> Iterator[tuple[Role, Reply]]:
    # Objects are those with the study's primary key.
    path = "/" + re.sub("<[^>]*>", str(scene.study.pk), address.route.replace("^", "").replace("$", ""))
    for role in Role:
        yield role, ask(scene, user_in(role, scene), "GET", path)
    for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"):
        yield Role.ADMIN, ask(scene, scene.admin, method, path)


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
    path = path_of(name, rule, scene)
    sent: dict[str, Any] = {}
    if rule.method == "GET":
        path += f"?{urlencode(body)}" if body else ""
    else:
        sent = _as_json(body) if rule.is_json else _as_form(body)
    if rule.archive is not None:
        sent = {"data": rule.archive(scene), "content_type": "application/zip"}
    return ask(scene, user, rule.method, path, enforce_csrf=enforce_csrf, **sent)


def _client(scene: Scene, user: User | None) -> Client:
    """Return the browser of someone, logged in once. All share one handler: loading the middleware takes longest."""
    key = None if user is None else user.pk
    if key not in scene.clients:
        client = Client(raise_request_exception=False)
        client.handler = next((made.handler for made in scene.clients.values()), client.handler)
        if user is not None:
            client.force_login(user)
        scene.clients[key] = client
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
