"""Every address of the site, asked for in every role and by every method, against the table of what each should get."""

from pathlib import Path

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from harmony_app.tests.access_table import ACCESS, ADMIN_LOG_IN, OWNERS_ALONE, OWNERS_SECRETS, Role, Rule
from harmony_app.tests.pages import page_faults, policy_faults
from harmony_app.tests.scene import build_scene
from harmony_app.tests.walking import Reply, Walk, addresses, path_of, route_of, rules, walk

RULES = [pytest.param(name, rule, id=f"{rule.method} {name}") for name, rule in rules()]
READS = [pytest.param(name, rule, id=name) for name, rule in rules() if rule.method == "GET"]
CHANGES = [pytest.param(name, rule, id=f"{rule.method} {name}") for name, rule in rules() if rule.method != "GET"]
SAFE = {"GET", "HEAD", "OPTIONS"}
OPEN_TO_ALL = {"admin/login/", "admin/logout/"}


@pytest.fixture(scope="module")
def walked(django_db_setup: None, django_db_blocker: DjangoDbBlocker, tiny_bundle: Path) -> Walk:
    """The replies of the whole site; the database is left as it was."""
    with django_db_blocker.unblock(), transaction.atomic():
        replies = walk(build_scene(tiny_bundle))
        transaction.set_rollback(True)
    return replies


def expected(rule: Rule) -> dict[Role, int | str]:
    return dict(zip(Role, rule.expected, strict=True))


def is_refused(reply: Reply) -> bool:
    return isinstance(reply.status, str) or reply.status >= 400


def is_fault(reply: Reply) -> bool:
    return isinstance(reply.status, int) and reply.status >= 500


# The table is whole


def test_every_address_is_in_the_table() -> None:
    missing = {address.name or address.route for address in addresses() if not address.is_of_admin} - set(ACCESS)
    assert not missing, f"add to harmony_app/tests/access_table.py: {', '.join(sorted(missing))}"


def test_every_entry_of_the_table_has_an_address() -> None:
    left_over = set(ACCESS) - {address.name for address in addresses()}
    assert not left_over, f"remove from harmony_app/tests/access_table.py: {', '.join(sorted(left_over))}"


@pytest.mark.django_db
def test_the_table_reaches_every_route(tiny_bundle: Path) -> None:
    scene = build_scene(tiny_bundle)
    reached = {route_of(path_of(name, rule, scene)) for name, rule in rules() if name in ACCESS}
    assert reached == {address.route for address in addresses() if not address.is_of_admin}


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_every_role_has_a_status(name: str, rule: Rule) -> None:
    assert len(rule.expected) == len(Role)


# The cells


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_everyone_gets_what_the_table_says(name: str, rule: Rule, walked: Walk) -> None:
    found = {role.value: reply.status for role, reply in walked.cells[name, rule.method].items()}
    assert found == {role.value: status for role, status in expected(rule).items()}


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_a_collaborator_gets_what_the_owner_gets_but_for_what_is_the_owners_alone(
    name: str, rule: Rule, walked: Walk
) -> None:
    wanted = 403 if name in OWNERS_ALONE else 404 if name in OWNERS_SECRETS else expected(rule)[Role.OWNER]
    assert walked.of_collaborator[name, rule.method].status == wanted


@pytest.mark.parametrize(("name", "rule"), READS)
def test_reading_changes_nothing(name: str, rule: Rule, walked: Walk) -> None:
    assert [write for reply in walked.cells[name, "GET"].values() for write in reply.writes] == []


@pytest.mark.parametrize(("name", "rule"), CHANGES)
def test_what_is_refused_changes_nothing(name: str, rule: Rule, walked: Walk) -> None:
    refused = [reply for reply in walked.cells[name, rule.method].values() if is_refused(reply)]
    assert [write for reply in refused for write in reply.writes] == []


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_nothing_is_a_fault_of_the_server(name: str, rule: Rule, walked: Walk) -> None:
    assert not any(is_fault(reply) for reply in walked.cells[name, rule.method].values())


# Forgery, and methods that nobody has asked for


@pytest.mark.parametrize(("name", "rule"), CHANGES)
def test_no_post_is_accepted_without_a_csrf_token(name: str, rule: Rule, walked: Walk) -> None:
    for role, reply in walked.without_token[name, rule.method].items():
        # Where programs bring tokens of their own, nobody has a session that could be misused without one.
        wanted = 401 if role is Role.ANONYMOUS and expected(rule)[role] == 401 else 403
        assert (reply.status, reply.writes) == (wanted, []), role


@pytest.mark.parametrize("name", ACCESS)
def test_methods_that_are_not_in_the_table_are_refused_or_change_nothing(name: str, walked: Walk) -> None:
    for role, reply in walked.other_methods[name]:
        assert reply.writes == [], (reply.method, role)
        assert not is_fault(reply), (reply.method, role)
        # Whoever is logged in already is sent on by the log-in, whatever the method.
        is_sent_away = is_refused(reply) or (name, reply.status) == ("login", 302)
        assert is_sent_away or reply.method in SAFE, (reply.method, role)


# The pages


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_pages_hold_nothing_inline(name: str, rule: Rule, walked: Walk) -> None:
    for role, reply in walked.cells[name, rule.method].items():
        assert not reply.is_html or page_faults(reply.body) == [], role


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_everything_carries_a_policy_without_inline_or_evaluated_scripts(name: str, rule: Rule, walked: Walk) -> None:
    for role, reply in walked.cells[name, rule.method].items():
        assert policy_faults(reply.headers) == [], role


# Django's admin, as one rule: whoever is no admin is sent to its log-in


@pytest.mark.parametrize("route", [address.route for address in addresses() if address.is_of_admin])
def test_the_django_admin_is_for_admins(route: str, walked: Walk) -> None:
    for role, reply in walked.of_admin[route]:
        assert reply.writes == [], (reply.method, role)
        assert not is_fault(reply), (reply.method, role)
        assert not reply.is_html or page_faults(reply.body) == [], (reply.method, role)
        if route not in OPEN_TO_ALL and role is not Role.ADMIN:
            assert reply.status == ADMIN_LOG_IN, (reply.method, role)
