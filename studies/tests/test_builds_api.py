"""Builds through the API: starting, watching, cancelling and going on, by those whose they are."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from studies.builds.log import line_write
from studies.models import Build, Study, User
from studies.tests.build_site import BuildSite, config
from studies.tests.research_api import Program, researcher

NewUser = Callable[..., User]
JSON = "application/json"


@pytest.fixture
def program(builder: User) -> Program:
    return Program(builder)


def post(program: Program, path: str, body: Any = None) -> Any:
    return program.client.post(f"/api/v1/{path}", {} if body is None else body, content_type=JSON)


def test_a_config_is_started(program: Program, build_site: BuildSite) -> None:
    reply = post(program, "builds/", {"config": config(), "file_name": "../lab/mine.toml"})
    assert reply.status_code == 201
    build = Build.objects.get()
    shown = reply.json()
    assert shown["key"] == str(build.key)
    assert (shown["name"], shown["state"], shown["owner"], shown["attempt"]) == ("built", "queued", "builder", 1)
    assert (shown["config"], shown["file_name"], shown["study"]) == (config(), "mine.toml", None)
    assert (build.trusted, build.base) == (False, "")


def test_what_is_wrong_with_a_config_is_told_line_by_line(program: Program, build_site: BuildSite) -> None:
    wrong = config().replace("pairs = 6", "pairs = 0").replace("seed = 1", "seed = -1")
    reply = post(program, "builds/", {"config": wrong, "file_name": "mine.toml"})
    assert reply.status_code == 400
    faults = reply.json()["config"]
    assert [fault.split(": ")[:2] for fault in faults] == [["mine.toml", "seed"], ["mine.toml", "pairs"]]
    assert not Build.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "config"),
        ({"config": ""}, "config"),
        ({"config": 7}, "config"),
        ({"config": "a = 1\0"}, "config"),
        ({"config": "a = 1", "file_name": 7}, "file_name"),
        ({"config": "a = 1", "file_name": "x" * 201}, "file_name"),
        ({"config": "a = 1", "trusted": True}, "trusted"),
        ({"config": "a = 1", "base": "/"}, "base"),
        ({"config": "a = 1", "owner": "ada"}, "owner"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_field(
    program: Program, build_site: BuildSite, body: dict[str, Any], field: str
) -> None:
    reply = post(program, "builds/", body)
    assert reply.status_code == 400
    assert list(reply.json()) == [field]
    assert not Build.objects.exists()


def test_a_config_that_is_too_long_is_refused(program: Program, build_site: BuildSite) -> None:
    assert post(program, "builds/", {"config": "#" * 66_000}).status_code == 413


def test_a_name_that_is_taken_is_a_conflict(program: Program, build_site: BuildSite, tiny_study: Study) -> None:
    reply = post(program, "builds/", {"config": config("tiny")})
    assert (reply.status_code, reply.json()["code"]) == (409, "build_refused")
    assert "taken" in reply.json()["detail"]


def test_a_build_is_shown_with_how_far_it_is(program: Program, build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    build_site.work(2)
    progress = program.get(f"builds/{build.key}/").json()["progress"]
    assert progress["conditions"] == 2
    assert 0 < progress["fraction"] < 1
    assert not progress["is_stalled"]
    assert len(progress["per_condition"]) == 2
    build_site.work()
    done = program.get(f"builds/{build.key}/").json()
    assert (done["state"], done["study"], done["progress"]["fraction"]) == ("done", "built", 1.0)
    assert done["manifest"]


def test_the_list_has_ones_own_builds_and_can_be_narrowed(
    program: Program, build_site: BuildSite, builder: User
) -> None:
    build_site.start(builder, config("one"))
    build_site.start(builder, config("two"))
    build_site.start(None, config("three"))
    Build.objects.filter(name="one").update(state="failed")
    assert [row["name"] for row in program.get("builds/").json()["results"]] == ["two", "one"]
    assert [row["name"] for row in program.get("builds/", state="failed").json()["results"]] == ["one"]
    assert program.get("builds/", state="broken").status_code == 400
    assert program.get("builds/", owner="ada").status_code == 400
    assert "config" not in program.get("builds/").json()["results"][0]


def test_the_list_takes_as_many_queries_for_many_builds(
    program: Program, build_site: BuildSite, builder: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for name in ("one", "two", "three", "four", "five"):
        build_site.start(builder, config(name))
    program.get("builds/")
    with django_assert_max_num_queries(4):
        program.get("builds/")


def test_others_builds_are_as_if_they_were_not_there(program: Program, build_site: BuildSite) -> None:
    other = Program(researcher("other"), "other")
    build = build_site.start(program.token.user)
    for key in (build.key, uuid4()):
        assert other.get(f"builds/{key}/").status_code == 404
        assert other.get(f"builds/{key}/log/").status_code == 404
        assert post(other, f"builds/{key}/cancel/").status_code == 404
        assert post(other, f"builds/{key}/retry/").status_code == 404
    build.refresh_from_db()
    assert build.state == "queued"


def test_a_build_is_cancelled_once(program: Program, build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    reply = post(program, f"builds/{build.key}/cancel/")
    assert (reply.status_code, reply.json()["state"]) == (200, "cancelled")
    again = post(program, f"builds/{build.key}/cancel/")
    assert (again.status_code, again.json()["code"]) == (409, "build_refused")


def test_a_cancelled_build_goes_on_with_the_same_or_another_config(
    program: Program, build_site: BuildSite, builder: User
) -> None:
    build = build_site.start(builder)
    post(program, f"builds/{build.key}/cancel/")
    again = post(program, f"builds/{build.key}/retry/").json()
    assert (again["state"], again["attempt"], again["config"]) == ("queued", 2, config())
    post(program, f"builds/{build.key}/cancel/")
    changed = post(program, f"builds/{build.key}/retry/", {"config": config(pairs=3)}).json()
    assert (changed["attempt"], changed["config"]) == (3, config(pairs=3))


def test_going_on_with_a_wrong_config_changes_nothing(program: Program, build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    post(program, f"builds/{build.key}/cancel/")
    reply = post(program, f"builds/{build.key}/retry/", {"config": "pairs = 0"})
    assert reply.status_code == 400
    assert any(fault.startswith("study.toml: name: missing") for fault in reply.json()["config"])
    build.refresh_from_db()
    assert (build.state, build.attempt) == ("cancelled", 1)


def test_a_build_under_way_is_not_begun_again(program: Program, build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    assert post(program, f"builds/{build.key}/retry/").status_code == 409


def test_the_log_can_be_followed(program: Program, build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    lines = program.get(f"builds/{build.key}/log/").json()["lines"]
    assert lines[0]["text"] == "queued"
    line_write(build=build, text="more", level="warning")
    [fresh] = program.get(f"builds/{build.key}/log/", after=lines[-1]["id"]).json()["lines"]
    assert (fresh["text"], fresh["level"]) == ("more", "warning")
    assert program.get(f"builds/{build.key}/log/", after=-1).status_code == 400


def test_the_description_has_the_operations(program: Program) -> None:
    paths = program.get("schema/").json()["paths"]
    assert set(paths["/api/v1/builds/"]) == {"get", "post"}
    assert "409" in paths["/api/v1/builds/"]["post"]["responses"]
    assert {path for path in paths if "/builds/{key}/" in path} == {
        f"/api/v1/builds/{{key}}/{rest}" for rest in ("", "cancel/", "retry/", "log/")
    }
