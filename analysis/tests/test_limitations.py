"""Limitations that are found in the data."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.limitations import limitations
from analysis.measures.tests.frames import frame_of, random_votes
from analysis.reports import Report, build_report
from analysis.tests.studies_for_reports import facts_for, opposed_report, random_report, report_of


def found(report_text: list[str], part: str) -> bool:
    return any(part in sentence for sentence in report_text)


def test_a_clean_study_has_none() -> None:
    votes = random_votes(1, images=40, annotators=12)
    frame = frame_of(votes, gains={image: float(number) for number, (image, _, _) in enumerate(votes)})
    frame["side"] = ["left" if number % 2 else "right" for number in range(len(frame))]
    report = build_report(frame, facts_for(["GradCAM"], annotators=12, trials=40))
    assert limitations(report) == []


def test_simulated_answers_come_first() -> None:
    assert limitations(random_report(is_simulated=True))[0].startswith("The answers come from simulated annotators.")


def test_few_annotators_images_and_several_conditions_are_named() -> None:
    sentences = limitations(random_report())
    assert found(sentences, "only 4 annotators")
    assert found(sentences, "few images (20)")
    assert found(sentences, "3 conditions are looked at")


def test_one_annotator_is_said_plainly() -> None:
    assert found(limitations(report_of([("a", "A1", 1)])), "There is one annotator")


def test_an_unfinished_study_is_a_look_on_the_way() -> None:
    report = build_report(frame_of(random_votes(1)), facts_for(["GradCAM"], annotators=9, trials=60))
    assert found(limitations(report), "150 of 540 wanted answers")


def test_mostly_neither_names_what_decisive_numbers_rest_on() -> None:
    sentences = limitations(report_of(random_votes(1, shares=(0.1, 0.8, 0.1))))
    assert found(sentences, "are neither, which may mean alike or both bad")


def test_missing_scores_and_times_are_named() -> None:
    frame = frame_of(random_votes(1))
    frame["rt_ms"] = float("nan")
    sentences = limitations(build_report(frame, facts_for(["GradCAM"])))
    assert found(sentences, "No trial has metric scores")
    assert found(sentences, "No reaction times are known.")


def sided_report(left_of: dict[str, int]) -> Report:
    """40 images per attributor, of which so many have the finetuned map on the left; two of four always choose left."""
    frames = []
    for attributor, left in left_of.items():
        votes = random_votes(1, images=40, annotators=4, shares=(0.4, 0.2, 0.4))
        frame = frame_of(votes, attributor=attributor)
        number = frame["image"].str.removeprefix("image").astype(int)
        frame["side"] = np.where(number * left // 40 < (number + 1) * left // 40, "left", "right")
        always_left = frame["annotator"].isin(["A00", "A01"])
        on_left = np.where(frame["side"] == "left", "finetuned", "original")
        frame["choice"] = frame["choice"].where(~always_left, on_left)
        frames.append(frame)
    return build_report(pd.concat(frames, ignore_index=True), facts_for(list(left_of), trials=80))


def test_a_side_habit_is_noise_only_where_the_sides_are_balanced() -> None:
    (habit,) = [text for text in limitations(sided_report({"GradCAM": 20, "LRP": 22})) if "habit" in text]
    assert habit == (
        "A habit of choosing one side shows in A00 (100 % left) and A01 (100 % left). Sides are balanced "
        "(finetuned on the left: 55 % in the worst condition, RMA / LRP; 52 % for A00 and 52 % for A01), "
        "so it adds noise rather than favouring one of the maps."
    )


def test_sides_that_lean_in_one_condition_are_not_called_balanced() -> None:
    (habit,) = [text for text in limitations(sided_report({"GradCAM": 20, "LRP": 12})) if "habit" in text]
    assert "Sides are not balanced (finetuned on the left: 30 % in the worst condition, RMA / LRP;" in habit
    assert habit.endswith("so it may favour one of the maps.")


def test_unknown_sides_are_counted() -> None:
    report = sided_report({"GradCAM": 20})
    assert report.overall.finetuned_left.unknown == 0
    frame = frame_of(random_votes(1, images=40, shares=(0, 0, 1)))
    frame.loc[:19, "side"] = None
    assert found(limitations(build_report(frame, facts_for(["GradCAM"]))), "20 answers without a known side left out")


def test_recurring_originals_are_counted() -> None:
    assert found(
        limitations(opposed_report()),
        "In 150 cases (300 of 300 answers, 5 annotators) an annotator judged the same image and attributor in more",
    )
    assert not found(limitations(random_report()), "the original map is the same there")


def test_habits_and_haste_name_the_annotator() -> None:
    frame = frame_of(random_votes(1, images=40, shares=(0, 0, 1)))
    frame["rt_ms"] = 200.0
    sentences = limitations(build_report(frame, facts_for(["GradCAM"])))
    assert found(sentences, "A00 (100\u202f% left)")
    assert found(sentences, "Sides are not balanced (finetuned on the left: 100\u202f% in the worst condition")
    assert found(sentences, "A00 (200 ms)")


def test_a_condition_whose_metric_did_not_improve_is_named() -> None:
    facts = facts_for(["GradCAM"])
    facts = replace(facts, conditions=(replace(facts.conditions[0], improved=False),))
    sentences = limitations(build_report(frame_of(random_votes(1)), facts))
    assert found(sentences, "did not improve the metric itself in RMA / GradCAM")


def test_a_control_is_named_as_one_and_nothing_was_expected_of_its_metric() -> None:
    facts = facts_for(["GradCAM"])
    facts = replace(facts, conditions=(replace(facts.conditions[0], improved=False, control=True),))
    sentences = limitations(build_report(frame_of(random_votes(1)), facts))
    assert found(sentences, "Controls, which were not fine-tuned on their metric: RMA / GradCAM.")
    assert not found(sentences, "did not improve the metric itself")
