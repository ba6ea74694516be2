"""Every measure of the registry, by the same rules."""

import ast
from pathlib import Path

import numpy as np
import pytest

import analysis.measures as package
from analysis.measures import MEASURES
from analysis.measures.judgements import judgements_from_frame
from analysis.measures.measure import Measure, check_registry, find_measure
from analysis.measures.tests.frames import judgements_of, random_frame


@pytest.mark.parametrize("name", MEASURES)
def test_the_order_of_the_rows_changes_no_measure(name: str) -> None:
    frame = random_frame(9)
    shuffled = frame.sample(frac=1, random_state=4)
    here, there = (MEASURES[name].compute(judgements_from_frame(rows), 3) for rows in (frame, shuffled))
    for field in ("value", "low", "high", "se", "p"):
        assert getattr(here, field) == (
            None if getattr(there, field) is None else pytest.approx(getattr(there, field), abs=1e-12)
        )


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_survives_no_answers(name: str) -> None:
    judgements = judgements_of([("a", "A1", 1)])
    estimate = MEASURES[name].compute(judgements.where(np.array([False])), 0)
    assert estimate.value is None
    assert estimate.reason
    assert estimate.n == 0


@pytest.mark.parametrize("name", MEASURES)
def test_every_estimate_carries_the_definition_of_its_measure(name: str) -> None:
    estimate = MEASURES[name].compute(judgements_from_frame(random_frame(9)), 0)
    assert estimate.definition == MEASURES[name].definition
    assert MEASURES[name].source


def test_the_literal_has_no_key_twice() -> None:
    source = Path(package.__file__).read_text(encoding="utf-8")
    literals = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Dict)]
    keys = [str(key.value) for key in literals[0].keys if isinstance(key, ast.Constant)]
    assert sorted(keys) == sorted(MEASURES)


def test_an_entry_under_another_name_is_refused() -> None:
    with pytest.raises(ValueError, match="is named 'net_preference'"):
        check_registry({"net": MEASURES["net_preference"]})


def test_a_duplicate_is_refused() -> None:
    twin = Measure("twin", "Twin", "", "", MEASURES["net_preference"].compute)
    with pytest.raises(ValueError, match=r"'twin'.* is a duplicate of 'net_preference'"):
        check_registry({"net_preference": MEASURES["net_preference"], "twin": twin})


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown measure 'kapa' \(known: net_preference, "):
        find_measure(MEASURES, "kapa")
