"""What a JSON value must not hold."""

import pytest

from studies.json_values import DEEPEST, json_fault


def nested(depth: int) -> object:
    value: object = 1
    for level in range(depth):
        value = [value] if level % 2 else {"x": value}
    return value


@pytest.mark.parametrize("value", [None, True, "", "😀", 1.5, -(10**300), [], {}, {"x": [1, {"y": None}]}])
def test_what_every_database_can_store_is_fine(value: object) -> None:
    assert json_fault(value) is None


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "x\ud800"])
def test_texts_that_a_database_refuses_are_found_anywhere(text: str) -> None:
    for value in (text, [text], {"x": {"y": [1, text]}}, {text: 1}):
        assert json_fault(value) == "texts may hold no NUL characters and no lone surrogates"


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan"), 10**400])
def test_numbers_that_no_float_holds_are_found(number: float) -> None:
    assert json_fault({"x": [number]}) == "a number is too large"


def test_nesting_is_bounded() -> None:
    assert json_fault(nested(DEEPEST)) is None
    for depth in (DEEPEST + 1, 5000):
        assert json_fault(nested(depth)) == "lists and objects may be nested at most 20 deep"
