"""What may be entered on a page."""

import json
from typing import Any

import pytest

from studies.protocol.spec import Plugin, Questionnaire, Text
from studies.services.page_answers import LARGEST_PLUGIN_DATA, InvalidPageError, checked_answers, screened_out_by


def form(**field: Any) -> Questionnaire:
    document = {
        "kind": "questionnaire",
        "key": "form",
        "title": "Form",
        "fields": [{"name": "it", "label": "It", **field}],
    }
    return Questionnaire.model_validate_json(json.dumps(document))


NUMBER = {"kind": "number", "minimum": 18, "maximum": 99.5}
CHOICE = {"kind": "choice", "options": ["yes", "no"]}
CHOICES = {"kind": "choices", "options": ["a", "b", "c"]}
SCALE = {"kind": "scale", "points": 7}


@pytest.mark.parametrize(
    ("field", "given", "stored"),
    [
        ({"kind": "text"}, "  Ann ", "Ann"),
        ({"kind": "text", "longest": 3}, "abc", "abc"),
        ({"kind": "textarea"}, "two\nlines", "two\nlines"),
        ({"kind": "text"}, "=1+1 <script>", "=1+1 <script>"),
        (NUMBER, 18, 18),
        (NUMBER, 99.5, 99.5),
        ({"kind": "number"}, -0.5, -0.5),
        (CHOICE, "no", "no"),
        (CHOICES, ["c", "a"], ["a", "c"]),
        (SCALE, 1, 1),
        (SCALE, 7, 7),
    ],
)
def test_what_a_field_allows_is_stored(field: dict[str, Any], given: Any, stored: Any) -> None:
    assert checked_answers(form(**field), {"it": given}) == {"it": stored}


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ({"kind": "text"}, 7),
        ({"kind": "text"}, ["Ann"]),
        ({"kind": "text"}, "two\nlines"),
        ({"kind": "text"}, "two\u2028lines"),
        ({"kind": "text", "longest": 3}, "abcd"),
        ({"kind": "textarea", "longest": 3}, "a\nbc"),
        (NUMBER, 17.999),
        (NUMBER, 99.6),
        (NUMBER, "30"),
        (NUMBER, True),
        (NUMBER, [30]),
        ({"kind": "number"}, float("nan")),
        ({"kind": "number"}, float("inf")),
        ({"kind": "number"}, 10**400),
        (CHOICE, "maybe"),
        (CHOICE, "Yes"),
        (CHOICE, ["yes"]),
        (CHOICE, {"yes": True}),
        (CHOICE, True),
        (CHOICES, "a"),
        (CHOICES, ["a", "d"]),
        (CHOICES, ["a", "a"]),
        (CHOICES, [["a"]]),
        (CHOICES, {"a": True}),
        (SCALE, 0),
        (SCALE, 8),
        (SCALE, 3.5),
        (SCALE, "3"),
        (SCALE, True),
    ],
)
def test_what_a_field_does_not_allow_is_refused_by_its_name(field: dict[str, Any], given: Any) -> None:
    with pytest.raises(InvalidPageError) as caught:
        checked_answers(form(**field), {"it": given})
    assert list(caught.value.errors["answers"]) == ["it"]


@pytest.mark.parametrize("nothing", [{}, {"it": None}, {"it": ""}, {"it": "  "}, {"it": []}])
@pytest.mark.parametrize("field", [{"kind": "text"}, NUMBER, CHOICE, CHOICES, SCALE])
def test_only_an_optional_field_can_be_left_out(field: dict[str, Any], nothing: dict[str, Any]) -> None:
    assert checked_answers(form(required=False, **field), nothing) == {}
    with pytest.raises(InvalidPageError):
        checked_answers(form(**field), nothing)


def test_every_field_that_is_wrong_is_told_at_once() -> None:
    fields = [{"name": name, "label": name} for name in ("one", "two")]
    page = Questionnaire.model_validate_json(
        json.dumps({"kind": "questionnaire", "key": "form", "title": "Form", "fields": fields})
    )
    with pytest.raises(InvalidPageError) as caught:
        checked_answers(page, {"two": 2, "three": 3})
    assert set(caught.value.errors["answers"]) == {"one", "two", "three"}


def test_names_that_no_field_has_are_told_briefly() -> None:
    with pytest.raises(InvalidPageError) as caught:
        checked_answers(form(), {"it": "x", **{f"{number}{'n' * 500}": 1 for number in range(50)}})
    told = caught.value.errors["answers"]
    assert len(told) == 5
    assert max(map(len, told)) == 60


def test_a_text_has_no_answers() -> None:
    page = Text(kind="text", key="page", title="Page", markdown="Read.")
    assert checked_answers(page, {}) == {}
    with pytest.raises(InvalidPageError):
        checked_answers(page, {"free": "storage"})


def test_the_data_of_a_plugin_are_kept_as_they_are_up_to_a_size() -> None:
    page = Plugin(kind="plugin", key="page", title="Page", plugin="survey-likert")
    data = {"response": {"Q0": 3}, "rt": 812.5}
    assert checked_answers(page, data) == data
    with pytest.raises(InvalidPageError, match="characters as JSON"):
        checked_answers(page, {"response": "x" * LARGEST_PLUGIN_DATA})


def test_any_chosen_answer_can_screen_out() -> None:
    page = form(**CHOICES, screen_out=["b"])
    assert screened_out_by(page, {"it": ["a", "b"]}) == "it"
    assert screened_out_by(page, {"it": ["a", "c"]}) is None
    assert screened_out_by(page, {}) is None
