"""Original maps that an annotator met in more than one condition."""

import numpy as np
import pandas as pd

from analysis.measures.judgements import judgements_from_frame
from analysis.measures.recurrence import Recurrence, recurrence
from analysis.measures.tests.frames import Vote, frame_of, judgements_of


def judged(*conditions: tuple[str, str, list[Vote]]) -> Recurrence:
    frames = [frame_of(votes, metric=metric, attributor=attributor) for metric, attributor, votes in conditions]
    return recurrence(judgements_from_frame(pd.concat(frames)))


def test_a_case_needs_the_same_annotator_image_and_attributor() -> None:
    rma: list[Vote] = [("a", "A1", 1), ("a", "A2", 1), ("b", "A1", 1)]
    assert judged(("RMA", "GradCAM", rma), ("Focus", "GradCAM", [("a", "A1", 0)])) == Recurrence(1, 2, 1)
    assert judged(("RMA", "GradCAM", rma), ("RMA", "LRP", rma)) == Recurrence(0, 0, 0)
    assert judged(("RMA", "GradCAM", rma), ("Focus", "GradCAM", [("c", "A1", 0)])) == Recurrence(0, 0, 0)


def test_three_conditions_are_one_case_with_three_answers() -> None:
    votes: list[Vote] = [("a", "A1", 1), ("a", "A2", 0)]
    conditions = [(metric, "GradCAM", votes) for metric in ("RMA", "Focus", "ROAD")]
    assert judged(*conditions) == Recurrence(cases=2, answers=6, annotators=2)


def test_another_network_has_another_original() -> None:
    here, there = frame_of([("a", "A1", 1)]), frame_of([("a", "A1", 1)], metric="Focus")
    there["network"] = "VGG"
    assert recurrence(judgements_from_frame(pd.concat([here, there]))).cases == 0


def test_no_answers_are_no_cases() -> None:
    judgements = judgements_of([("a", "A1", 1)])
    assert recurrence(judgements.where(np.array([False]))) == Recurrence(0, 0, 0)
