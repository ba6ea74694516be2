"""Every address of the site, asked for in every role and by every method, against the table of what each should get."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harmony_app.tests.access_table import ACCESS, ADMIN_LOG_IN, OWNERS_ALONE, Role, Rule
from harmony_app.tests.pages import page_faults, policy_faults
from harmony_app.tests.scene import Scene, build_scene
from harmony_app.tests.walking import (
    Address,
    Reply,
    addresses,
    ask,
    ask_by_rule,
    path_of,
    route_of,
    rules,
    user_in,
)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")
SAFE = {"HEAD", "OPTIONS"}
RULES = [pytest.param(name, rule, id=f"{rule.method} {name}") for name, rule in rules()]
POSTS = [case for case in RULES if case.id and case.id.startswith("POST")]
GETS = [case for case in RULES if case.id and case.id.startswith("GET")]

Walk = Callable[[str, Rule], dict[Role, Reply]]


@pytest.fixture
def scene(db: None, tiny_bundle: Path) -> Scene:
    return build_scene(tiny_bundle)


@pytest.fixture(scope="module")
def asked() -> dict[tuple[str, str], dict[Role, Reply]]:
    return {}


@pytest.fixture
def walk(asked: dict[tuple[str, str], dict[Role, Reply]], db: None, tiny_bundle: Path) -> Iterator[Walk]:
    """Ask by a rule in every role; what was asked once in this module is not asked again."""

    def replies(name: str, rule: Rule) -> dict[Role, Reply]:
        key = (name, rule.method)
        if key not in asked:
            scene = build_scene(tiny_bundle)
            asked[key] = {role: ask_by_rule(name, rule, user_in(role, scene), scene) for role in Role}
        return asked[key]

    return replies


# The table is whole


def test_every_address_is_in_the_table() -> None:
    missing = {address.name or address.route for address in addresses() if not address.is_of_admin} - set(ACCESS)
    assert not missing, f"add to harmony_app/tests/access_table.py: {', '.join(sorted(missing))}"


def test_every_entry_of_the_table_has_an_address() -> None:
    left_over = set(ACCESS) - {address.name for address in addresses()}
    assert not left_over, f"remove from harmony_app/tests/access_table.py: {', '.join(sorted(left_over))}"


def test_the_table_reaches_every_route(scene: Scene) -> None:
    routes = {address.route for address in addresses() if not address.is_of_admin}
    assert {route_of(path_of(name, rule, scene)) for name, rule in rules()} == routes


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_every_role_has_a_status(name: str, rule: Rule) -> None:
    assert len(rule.expected) == len(Role)


# The cells


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_everyone_gets_what_the_table_says(name: str, rule: Rule, walk: Walk) -> None:
    found = {role.value: reply.status for role, reply in walk(name, rule).items()}
    assert found == {role.value: status for role, status in zip(Role, rule.expected, strict=True)}


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_a_collaborator_gets_what_the_owner_gets_but_for_what_is_the_owners_alone(
    name: str, rule: Rule, scene: Scene
) -> None:
    expected = 403 if name in OWNERS_ALONE else dict(zip(Role, rule.expected, strict=True))[Role.OWNER]
    assert ask_by_rule(name, rule, scene.collaborator, scene).status == expected


@pytest.mark.parametrize(("name", "rule"), GETS)
def test_reading_changes_nothing(name: str, rule: Rule, walk: Walk) -> None:
    assert [write for reply in walk(name, rule).values() for write in reply.writes] == []


@pytest.mark.parametrize(("name", "rule"), POSTS)
def test_what_is_refused_changes_nothing(name: str, rule: Rule, walk: Walk) -> None:
    refused = [reply for reply in walk(name, rule).values() if not isinstance(reply.status, int) or reply.status >= 400]
    assert [write for reply in refused for write in reply.writes] == []


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_nothing_is_a_fault_of_the_server(name: str, rule: Rule, walk: Walk) -> None:
    statuses = [reply.status for reply in walk(name, rule).values()]
    assert [status for status in statuses if isinstance(status, int) and status >= 500] == []


# Forgery, and methods that nobody has asked for


@pytest.mark.parametrize(("name", "rule"), POSTS)
def test_no_post_is_accepted_without_a_csrf_token(name: str, rule: Rule, scene: Scene) -> None:
    for role in Role:
        reply = ask_by_rule(name, rule, user_in(role, scene), scene, enforce_csrf=True)
        assert (reply.status, reply.writes) == (403, []), role


@pytest.mark.parametrize("name", ACCESS)
def test_methods_that_are_not_in_the_table_are_refused(name: str, scene: Scene) -> None:
    first, *_ = ACCESS[name]
    path = path_of(name, first, scene)
    allowed = {rule.method for rule in ACCESS[name]}
    for method in METHODS:
        for role in (Role.ANONYMOUS, Role.ANNOTATOR, Role.ADMIN):
            if method not in allowed:
                reply = ask(scene, user_in(role, scene), method, path)
                assert reply.status in (405, 403, 404) or isinstance(reply.status, str), (method, role)
                assert reply.writes == [], (method, role)


@pytest.mark.parametrize("name", ACCESS)
def test_asking_for_the_methods_or_the_head_changes_nothing(name: str, scene: Scene) -> None:
    path = path_of(name, ACCESS[name][0], scene)
    for method in sorted(SAFE):
        for role in Role:
            assert ask(scene, user_in(role, scene), method, path).writes == []


# The pages


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_pages_hold_nothing_inline(name: str, rule: Rule, walk: Walk) -> None:
    for role, reply in walk(name, rule).items():
        assert not reply.is_html or page_faults(reply.body) == [], role


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_everything_carries_a_policy_without_inline_or_evaluated_scripts(name: str, rule: Rule, walk: Walk) -> None:
    for role, reply in walk(name, rule).items():
        assert policy_faults(reply.headers) == [], role


# The Django admin, as one rule: whoever is no admin is sent to its log-in

ADMIN_PAGES = [address for address in addresses() if address.is_of_admin]
OPEN_TO_ALL = {"admin:login", "admin:logout"}


@pytest.mark.parametrize("address", ADMIN_PAGES, ids=lambda address: f"{address.name} {address.route}")
def test_the_django_admin_is_for_admins(address: Address, scene: Scene) -> None:
    # Objects are those with the study's primary key.
    path = "/" + re.sub("<[^>]*>", str(scene.study.pk), address.route.replace("^", "").replace("$", ""))
    for role in Role:
        reply = ask(scene, user_in(role, scene), "GET", path)
        assert reply.writes == [], role
        assert isinstance(reply.status, str) or reply.status < 500, role
        assert not reply.is_html or page_faults(reply.body) == [], role
        if address.name not in OPEN_TO_ALL and role is not Role.ADMIN:
            assert reply.status == ADMIN_LOG_IN, role


@pytest.mark.parametrize("address", ADMIN_PAGES, ids=lambda address: f"{address.name} {address.route}")
def test_the_admin_changes_nothing_by_other_methods_than_post(address: Address, scene: Scene) -> None:
    path = "/" + re.sub("<[^>]*>", str(scene.study.pk), address.route.replace("^", "").replace("$", ""))
    for method in ("PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
        assert ask(scene, scene.admin, method, path).writes == [], method
