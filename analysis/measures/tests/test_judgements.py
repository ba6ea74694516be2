"""From a judgement frame to arrays."""

import numpy as np
import pytest

from analysis.measures.judgements import judgements_from_frame
from analysis.measures.tests.frames import frame_of, random_frame


def test_a_frame_becomes_codes_in_the_order_of_the_names() -> None:
    judgements = judgements_from_frame(frame_of([("b", "A2", 1), ("a", "A1", -1)], gains={"a": 0.5, "b": -0.5}))
    assert judgements.choice.tolist() == [1, -1]
    assert judgements.image.tolist() == [1, 0]
    assert judgements.annotators == ("A1", "A2")
    assert judgements.gain.tolist() == [-0.5, 0.5]


def test_the_gain_turns_round_where_lower_is_better() -> None:
    judgements = judgements_from_frame(frame_of([("a", "A1", 1)], gains={"a": 0.5}, direction="lower"))
    assert judgements.gain.tolist() == [-0.5]


def test_repeats_and_catch_trials_are_left_out() -> None:
    frame = frame_of([("a", "A1", 1), ("b", "A1", 1), ("c", "A1", 1)])
    frame.loc[0, "is_repeat"] = True
    frame.loc[1, "is_catch"] = True
    assert judgements_from_frame(frame).n == 1


def test_a_condition_keeps_only_its_own_annotators_and_images() -> None:
    frame = random_frame(1)
    whole = judgements_from_frame(frame)
    assert [key.attributor for key in whole.conditions] == ["attributor0", "attributor1", "attributor2"]
    part = whole.of_condition(1)
    assert part.conditions == (whole.conditions[1],)
    assert part.n == int((frame["attributor"] == "attributor1").sum())
    assert np.array_equal(np.unique(part.trial), np.arange(part.trial.max() + 1))


def test_a_second_answer_to_a_trial_names_annotator_trial_and_remedy() -> None:
    frame = frame_of([("a", "A1", 1), ("a", "A1", 0), ("b", "A1", 0)])
    with pytest.raises(
        ValueError, match=r"annotator A1 answered trial RMA/GradCAM/a more than once .* keep one answer"
    ):
        judgements_from_frame(frame)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="missing column 'side'"):
        judgements_from_frame(frame_of([("a", "A1", 1)]).drop(columns="side"))


@pytest.mark.parametrize(("column", "value"), [("choice", "learn"), ("direction", "up")])
def test_an_unknown_value_is_named_with_the_known_ones(column: str, value: str) -> None:
    frame = frame_of([("a", "A1", 1)])
    frame[column] = value
    with pytest.raises(ValueError, match=f"{column}: unknown value '{value}' \\(known: "):
        judgements_from_frame(frame)


def test_neither_where_it_was_not_offered_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1 of 1 answers are neither, which is not offered; let"):
        judgements_from_frame(frame_of([("a", "A1", 0)]), options=2)
