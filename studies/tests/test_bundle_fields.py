"""The quick check of a field never lets through what the full check refuses, and never changes a value differently."""

import json
from typing import Any

import pytest
from django.db import models

from studies.bundles.errors import BundleError
from studies.bundles.fields import ODD, bundle_fields, checked_fields, quick_check
from studies.bundles.fixture import MODELS

FIELDS = [(model, name) for model in MODELS.values() for name in bundle_fields(model)]
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 5, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 10**400, 0.0, -0.0, 0.5, 1e308,
    float("nan"), float("inf"), "", "a", "higher", "main", "forced_choice", "no slug!", "a-slug", "x" * 100, "x" * 101,
    "x" * 255, "x" * 256, "0" * 64, "0" * 63, "0" * 64 + "\n", "A" * 64, "tab\there", "null\0", "\ud800", "é", "\u2028",
    [], {}, {"a": 1}, {"a": float("nan")}, {"a": "\0"}, ["a"], ["a", "b"], ["a\0b"], ["\ud800"], ["é"], [1], [None],
    [["a"]], [""], ("a",),
]  # fmt: skip


@pytest.mark.parametrize(("model", "name"), FIELDS)
def test_the_quick_check_agrees_with_the_full_one(model: type[models.Model], name: str) -> None:
    known = bundle_fields(model)[name]
    quick = quick_check(known)
    for value in VALUES:
        try:
            expected = checked_fields("x", {name: known}, {name: value})[name]
        except BundleError:
            expected = ODD
        found = quick(value)
        if found is not ODD:
            assert (type(found), found) == (type(expected), expected), value


@pytest.mark.parametrize(
    ("label", "fields"),
    [
        ("studies.picture", {"digest": "0" * 64, "width": 224, "height": 224}),
        ("studies.image", {"study": ["s"], "name": "a", "picture": ["0" * 64], "label": "cat"}),
        ("studies.trial", {"study": ["s"], "key": "1", "pair": ["s", "a"], "trial_type": "x", "kind": "main"}),
        ("studies.pair", {"condition": ["s", "a"], "score_original": 0.5, "score_finetuned": None, "target": "cat"}),
    ],
)
def test_common_values_take_the_quick_way(label: str, fields: dict[str, Any]) -> None:
    known = bundle_fields(MODELS[label])
    slow = [name for name, value in fields.items() if quick_check(known[name])(value) is ODD]
    assert slow == []


@pytest.mark.parametrize("value", ["null\0", "\ud800"])
@pytest.mark.parametrize("name", ["label", "study"])
def test_characters_that_no_database_stores_are_refused_by_field(name: str, value: str) -> None:
    model = MODELS["studies.image"]
    fields = {"study": ["s"], "name": "a", "picture": ["0" * 64], "label": "cat"}
    fields[name] = [value] if name == "study" else value
    with pytest.raises(BundleError, match=rf"^x: {name}: texts may hold no NUL characters.*; export the bundle again"):
        checked_fields("x", bundle_fields(model), json.loads(json.dumps(fields)))
