"""The report object."""

import pytest

from analysis.measures import MEASURES
from analysis.measures.tests.frames import frame_of, random_frame
from analysis.reports import NoResponsesError, build_report
from analysis.tests.studies_for_reports import facts_for, opposed_report, random_report


def test_every_measure_is_there_in_its_scope() -> None:
    report = random_report()
    assert set(report.overall.estimates) == set(MEASURES)
    for result in report.conditions:
        assert set(result.cell.estimates) == {name for name in MEASURES if MEASURES[name].scope == "any"}


def test_the_conditions_add_up_to_the_whole() -> None:
    report = random_report()
    assert sum(result.cell.answers for result in report.conditions) == report.overall.answers
    assert report.overall.images == 20


def test_a_condition_nobody_answered_is_kept_with_reasons() -> None:
    report = build_report(frame_of([("a", "A1", 1)]), facts_for(["GradCAM", "LRP"]))
    empty = report.conditions[1].cell
    assert empty.answers == 0
    assert all(estimate.value is None and estimate.reason for estimate in empty.estimates.values())
    assert empty.why_no_gain == "no answers"


def test_no_answers_say_what_to_do() -> None:
    with pytest.raises(NoResponsesError, match=r"study study: no responses yet; .*simulate_annotators"):
        build_report(random_frame(1).head(0), facts_for(["attributor0"]))


def test_a_condition_that_the_study_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="the study study lacks shapes / RMA / CNN / GradCAM; load the bundle"):
        build_report(frame_of([("a", "A1", 1)]), facts_for(["LRP"]))


def test_the_mean_gain_counts_each_trial_once() -> None:
    votes = [("a", "A1", 1), ("a", "A2", 1), ("a", "A3", 1), ("b", "A1", 1)]
    report = build_report(frame_of(votes, gains={"a": 0.1, "b": 0.5}), facts_for(["GradCAM"]))
    assert report.overall.mean_gain == pytest.approx(0.3)


def test_different_metrics_have_no_common_gain_or_auc() -> None:
    report = opposed_report()
    overall = report.overall
    assert (overall.mean_gain, overall.why_no_gain) == (None, "different metrics")
    for name in ("metric_auc", "metric_auc_within"):
        estimate = overall.estimates[name]
        assert (estimate.value, estimate.p, estimate.reason) == (None, None, "different metrics")
    assert overall.estimates["net_preference"].value is not None


def test_each_metric_has_its_own_numbers() -> None:
    report = opposed_report()
    assert [(result.metric, result.conditions) for result in report.metrics] == [("RMA", 1), ("Focus", 1)]
    for metric, condition in zip(report.metrics, report.conditions, strict=True):
        assert metric.cell.answers == condition.cell.answers == 150
        assert metric.cell.mean_gain == condition.cell.mean_gain
        assert metric.cell.estimates["metric_auc_within"].value == condition.cell.estimates["metric_auc"].value


def test_left_out_answers_are_counted() -> None:
    frame = frame_of([("a", "A1", 1), ("b", "A1", 1)])
    frame.loc[1, "is_catch"] = True
    assert build_report(frame, facts_for(["GradCAM"])).left_out == 1
