"""The log of a GPU worker as JSON."""

import json
import logging
import types

import pytest

from attribution import worker_logs
from attribution.errors import InputError
from attribution.worker_logs import JsonLines, log_as_asked


def line(message: str, **fields: object) -> dict[str, str]:
    record = logging.LogRecord("attribution.test", logging.INFO, __file__, 1, message, (), None)
    record.__dict__.update(fields)
    made: dict[str, str] = json.loads(JsonLines().format(record))
    return made


def test_an_unknown_format_names_the_variable_and_the_remedy() -> None:
    with pytest.raises(InputError, match="LOG_FORMAT='xml': use one of plain, json"):
        log_as_asked({"LOG_FORMAT": "xml"})


def test_a_line_says_which_task_and_build_it_is_about() -> None:
    request = types.SimpleNamespace(harmony_request_id="0123456789abcdef")
    task = types.SimpleNamespace(name="attribution.chunk", request=request)
    worker_logs._begin(task_id="t-1", task=task, kwargs={"build": "b-1"})
    try:
        found = line("two\nlines")
    finally:
        worker_logs._end()
    assert {name: found[name] for name in ("task_id", "task", "build", "request_id", "message")} == {
        "task_id": "t-1",
        "task": "attribution.chunk",
        "build": "b-1",
        "request_id": "0123456789abcdef",
        "message": "two\nlines",
    }
    assert "task" not in line("later")


@pytest.mark.parametrize("password", ["hunter2", "hunt@hunter2"])
def test_an_exception_is_text_without_the_password_of_an_address(password: str) -> None:
    try:
        raise ConnectionError(f"redis://user:{password}@10.0.0.1/0 refused")
    except ConnectionError as error:
        found = line("lost", exc_info=(type(error), error, error.__traceback__))
    assert "redis://***@10.0.0.1/0 refused" in found["exception"]
    assert "hunter2" not in json.dumps(found)


def test_a_received_task_is_named_in_the_main_process() -> None:
    assert line("received", data={"id": "t-2", "name": "attribution.plan", "args": "[]"})["task_id"] == "t-2"
