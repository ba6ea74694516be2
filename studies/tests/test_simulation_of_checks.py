"""Simulated annotators under a protocol with catch trials, repeats, ties and confidence."""

from pathlib import Path

import numpy as np
import pytest

from studies.models import Assignment, Response, Study
from studies.quality.observed import is_expected
from studies.services import copy_study, load_bundle, protocol_set
from studies.simulation import ResponseModel, simulate_annotators
from studies.tests.bundles import write_bundle

PROTOCOL = """
[[pages]]
kind = "trials"

[trials]
annotators_per_trial = 3
ties = "{ties}"
confidence = 5
most_ms = 4000

[catch]
share = 0.1
make = 12

[repeats]
share = 0.1
"""


def simulated(folder: Path, model: ResponseModel | None = None, ties: str = "equal_and_both_bad") -> Study:
    study = load_bundle(folder=write_bundle(folder / "bundle", slug="checked", images=30)).study
    copy = copy_study(study=study, slug="copy", is_simulated=True)
    protocol_set(study=copy, text=PROTOCOL.format(ties=ties), name="protocol.toml")
    copy.refresh_from_db()
    simulate_annotators(study=copy, annotators=3, seed=2, model=model)
    return copy


def caught(study: Study) -> list[bool]:
    """Return which catch trials were answered right."""
    rows = Response.objects.filter(assignment__participation__study=study, assignment__kind="catch")
    return [is_expected(*row) for row in rows.values_list("choice", "assignment__trial__expected")]


def test_everyone_gets_catch_trials_and_repeats(tmp_path: Path, db: None) -> None:
    study = simulated(tmp_path)
    for kind, number in (("main", 360), ("catch", 36), ("repeat", 36)):
        assert Assignment.objects.filter(participation__study=study, kind=kind, state="answered").count() == number


@pytest.mark.parametrize(("accuracy", "low", "high"), [(1.0, 1.0, 1.0), (0.97, 0.85, 1.0), (0.0, 0.0, 0.0)])
def test_catch_trials_are_answered_right_as_often_as_the_model_says(
    tmp_path: Path, db: None, accuracy: float, low: float, high: float
) -> None:
    right = caught(simulated(tmp_path, ResponseModel(catch_accuracy=accuracy)))
    assert low <= np.mean(right) <= high


def test_repeats_are_answered_by_the_model_too(tmp_path: Path, db: None) -> None:
    steep = {"GradCAM": 30.0, "GuidedBackprop": -30.0}
    study = simulated(tmp_path, ResponseModel(attributor_effects=steep))
    repeats = Response.objects.filter(assignment__participation__study=study, assignment__kind="repeat")
    choices: dict[int | None, str] = dict(Response.objects.values_list("assignment_id", "choice"))
    assert all(one.choice == choices[one.assignment.repeat_of_id] for one in repeats.select_related("assignment"))


def test_ties_are_of_both_kinds_where_the_protocol_has_both(tmp_path: Path, db: None) -> None:
    study = simulated(tmp_path)
    choices = set(Response.objects.filter(assignment__participation__study=study).values_list("choice", flat=True))
    assert choices == {"original", "finetuned", "equal", "both_bad"}


def test_nobody_prefers_no_map_where_that_is_not_offered(tmp_path: Path, db: None) -> None:
    simulated(tmp_path, ties="none")
    assert set(Response.objects.values_list("choice", flat=True)) == {"original", "finetuned"}


def test_answers_have_a_confidence_and_keep_the_time_limit(tmp_path: Path, db: None) -> None:
    simulated(tmp_path)
    confidences = set(Response.objects.values_list("confidence", flat=True))
    assert confidences <= {1, 2, 3, 4, 5}
    assert len(confidences) > 2
    assert not Response.objects.filter(rt_ms__gt=4000).exists()
