"""JSON that is read piece by piece gives what json.loads gives of the whole, and refuses what that refuses."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.bundles import json_stream
from studies.bundles.json_stream import JsonStream

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
LAYOUTS: list[dict[str, Any]] = [{}, {"indent": 1}, {"ensure_ascii": False}, {"separators": (",", ":")}]


def items(text: str) -> list[Any]:
    stream = JsonStream(io.StringIO(text))
    found = list(stream.items())
    stream.end()
    return found


def entries(text: str) -> dict[str, Any]:
    stream = JsonStream(io.StringIO(text))
    found = {name: stream.value() for name in stream.names()}
    stream.end()
    return found


@pytest.fixture(params=[1, 2, 3, 7, 64])
def piece(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "CHUNK", request.param)


@given(st.lists(VALUES, max_size=5), st.sampled_from(LAYOUTS))
def test_a_list_comes_as_json_loads_has_it(values: list[Any], layout: dict[str, Any]) -> None:
    assert items(f" {json.dumps(values, **layout)}\n") == values


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.sampled_from(LAYOUTS))
def test_an_object_comes_as_json_loads_has_it(values: dict[str, Any], layout: dict[str, Any]) -> None:
    assert entries(json.dumps(values, **layout)) == values


@pytest.mark.usefixtures("piece")
@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "\n[ \t]\r\n",
        "[12345, -1.5e10, 1.5e+10, 2E-1, 0.25, 0]",
        "[true,false,null]",
        '["a\\u00e9\\ud83d\\ude00b", "\\\\", "\\""]',
        '[{"model": "m", "fields": {"a": [1, [2, [3]]]}},\n{}]',
        '["' + "long " * 50 + '"]',
    ],
)
def test_where_the_pieces_end_makes_no_difference(text: str) -> None:
    assert items(text) == json.loads(text)


@pytest.mark.usefixtures("piece")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1] 2",
        "{}",
        "5",
        '["a]',
        '[{"a": 1]',
        "[tru]",
        "[1]]",
        "\ufeff[]",
    ],
)
def test_what_is_no_json_list_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ValueError, match=r": character \d+$"):
        items(text)


@pytest.mark.usefixtures("piece")
@pytest.mark.parametrize(
    "text", ["{", '{"a"', '{"a":', '{"a":1', '{"a":1,}', "{a:1}", "{1:1}", '{"a" 1}', '{"a":1}}', "[]"]
)
def test_what_is_no_json_object_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ValueError, match=r": character \d+$"):
        entries(text)


def test_the_place_counts_from_the_start_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "CHUNK", 4)
    with pytest.raises(ValueError, match=r": character 103$"):
        items("[" + "1, " * 34 + "?]")


def test_a_value_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "CHUNK", 16)
    monkeypatch.setattr(json_stream, "LONGEST_VALUE", 1000)
    text = io.StringIO('["' + "a" * 100_000)
    with pytest.raises(ValueError, match="a value is longer than"):
        list(JsonStream(text).items())
    assert text.tell() < 5000
