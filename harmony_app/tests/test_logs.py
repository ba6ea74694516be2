"""What is in the log, and what never is."""

import io
import json
import logging
import logging.config
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from harmony_app.log_context import CURRENT, Context
from harmony_app.logs import JsonFormatter, PlainFormatter, formatter, logging_settings
from studies.models import Build, Link, Participation, User
from studies.services import assignments_draw

PID = "5f3c9a7be1d2c4a6b8901234"


@pytest.fixture
def log(settings: Settings) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines that the site writes with LOG_FORMAT=json, whichever logger they come through."""
    settings.LOG_FORMAT = "json"
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    loggers = [logging.getLogger(name) for name in ("", "django")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


def record(message: str, *arguments: object, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("studies.test", logging.WARNING, __file__, 1, message, arguments, None)
    made.__dict__.update(fields)
    return made


def test_a_line_is_one_json_object_whatever_the_message() -> None:
    line = JsonFormatter().format(record('two\nlines "quoted" and ünïcode %s', "\x00\x1b[31m"))
    assert "\n" not in line
    assert json.loads(line)["message"] == 'two\nlines "quoted" and ünïcode \x00\x1b[31m'


def test_a_line_has_time_level_and_logger() -> None:
    made = record("hello")
    made.created = 1_800_000_000.25
    line = json.loads(JsonFormatter().format(made))
    assert line["time"] == "2027-01-15T08:00:00.250+00:00"
    assert (line["level"], line["logger"]) == ("WARNING", "studies.test")


def test_an_exception_is_text_without_ids() -> None:
    made = record("failed")
    try:
        raise ValueError(f"participant {PID} is there twice")
    except ValueError as error:
        made.exc_info = (type(error), error, error.__traceback__)
    line = json.loads(JsonFormatter().format(made))
    assert "ValueError: participant ***" in line["exception"]
    assert "Traceback" in line["exception"]


def test_a_plain_line_has_the_number_of_the_request_in_brackets() -> None:
    token = CURRENT.set(Context(request_id="abcdef0123456789"))
    try:
        assert PlainFormatter().format(record("hello")).endswith("WARNING studies.test: [abcdef0123456789] hello")
    finally:
        CURRENT.reset(token)
    assert PlainFormatter().format(record("hello")).endswith("WARNING studies.test: hello")


@pytest.mark.parametrize("log_format", ["plain", "json"])
def test_passwords_in_arguments_are_hidden_in_both_formats(log_format: str) -> None:
    made = record("no connection to %s", "postgresql://harmony:hunter2@db/harmony")
    assert "hunter2" not in formatter(log_format).format(made)


@pytest.mark.parametrize("log_format", ["plain", "json"])
def test_the_settings_of_logging_can_be_used(log_format: str) -> None:
    logging.config.DictConfigurator(logging_settings(log_format, "INFO"))
    made = formatter(log_format)
    assert type(made) is (JsonFormatter if log_format == "json" else PlainFormatter)


@pytest.mark.django_db
def test_each_request_is_one_line_with_user_and_study(
    log: Callable[[], list[dict[str, Any]]], annotator_client: Client, participation: Participation
) -> None:
    reply = annotator_client.get("/studies/tiny/?trick=1")
    [line] = [line for line in log() if line["logger"] == "harmony.access"]
    assert {name: line[name] for name in ("method", "path", "status", "user", "study", "request_id")} == {
        "method": "GET",
        "path": "/studies/tiny/",
        "status": 200,
        "user": participation.annotator_id,
        "study": "tiny",
        "request_id": reply.headers["X-Request-ID"],
    }
    assert line["ms"] > 0
    assert "trick" not in json.dumps(log())
    assert participation.annotator.username not in json.dumps(log())


@pytest.mark.django_db
def test_every_line_of_a_request_has_its_number(log: Callable[[], list[dict[str, Any]]], client: Client) -> None:
    reply = client.get("/no/such/page")
    lines = log()
    assert {line["logger"] for line in lines} == {"harmony.access", "django.request"}
    assert {line["request_id"] for line in lines} == {reply.headers["X-Request-ID"]}


@pytest.mark.django_db
def test_nothing_is_asked_of_the_database_for_the_log(
    log: Callable[[], list[dict[str, Any]]],
    client: Client,
    django_assert_num_queries: Any,
) -> None:
    client.cookies["sessionid"] = "made-up"
    with django_assert_num_queries(0):
        client.get("/static/site/nothing.css")
    assert log()


@pytest.mark.django_db
def test_nothing_personal_and_no_secret_reaches_the_log(
    log: Callable[[], list[dict[str, Any]]],
    client: Client,
    annotator_client: Client,
    participation: Participation,
    new_user: Callable[..., User],
) -> None:
    [assignment, *_] = assignments_draw(participation=participation, count=1)
    link = Link.objects.create(study=participation.study, kind=Link.Kind.OPEN)
    new_user("grace.hopper")
    form = {"username": "grace.hopper", "password": "hunter2hunter2"}
    for _ in range(10):
        client.post("/accounts/login/", form)
    client.get(f"/join/{link.token}/")
    client.get(f"/join/{link.token}x/")
    client.post(f"/join/{link.token}x/", {})
    client.get("/prolific/tiny/", {"PROLIFIC_PID": PID, "STUDY_ID": "b" * 24, "SESSION_ID": "c" * 24})
    client.get("/prolific/nothing/", {"PROLIFIC_PID": PID})
    client.get(f"/pictures/{assignment.token}/left")
    annotator_client.get(f"/pictures/{assignment.token}/left")
    body = {
        "uuid": str(uuid4()),
        "revision": 1,
        "choice": "left",
        "rt_ms": 1,
        "timing": {},
        "reason": "a private thought",
    }
    annotator_client.post(f"/api/v1/assignments/{assignment.token}/responses/", body, content_type="application/json")
    client.post(f"/api/v1/assignments/{assignment.token}/responses/", body, content_type="application/json")
    client.get("/api/v1/studies/", headers={"Authorization": f"Bearer {link.token}"})
    client.get(f"/accounts/login/?next=/join/{link.token}/")
    lines = log()
    assert len([line for line in lines if line["logger"] == "harmony.access"]) == 21
    text = json.dumps(lines)
    secrets = {
        "token of a link": link.token,
        "token of an assignment": assignment.token,
        "id of Prolific": PID,
        "password": "hunter2",
        "name": "grace",
        "reason": "private thought",
        "session": str(annotator_client.cookies["sessionid"].value),
        "address": "127.0.0.1",
    }
    assert [what for what, secret in secrets.items() if secret in text] == []


def test_lines_of_the_pages_of_a_build_carry_its_key(
    log: Callable[[], list[dict[str, Any]]], new_user: Callable[..., User]
) -> None:
    user = new_user()
    User.objects.filter(pk=user.pk).update(is_staff=True)
    build = Build.objects.create(name="built", owner=user, state="failed")
    browser = Client()
    browser.force_login(user)
    assert browser.get(f"/builds/{build.key}/").status_code == 200
    assert [line["build"] for line in log() if line["logger"] == "harmony.access"] == [str(build.key)]
