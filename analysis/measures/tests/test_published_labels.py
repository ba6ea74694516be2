"""The labels of the published study (VGG half), where they are at hand."""

import os
import time
from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_kappa

from analysis.measures import MEASURES
from analysis.measures.judgements import Judgements, judgements_from_frame
from analysis.measures.significance import significance
from analysis.measures.votes import vote_table

DEFAULT = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "harmony_labels_vgg.csv"
LABELS = Path(os.environ.get("HARMONY_PUBLISHED_LABELS", DEFAULT))

pytestmark = pytest.mark.skipif(
    not LABELS.is_file(), reason="the published labels are not here; HARMONY_PUBLISHED_LABELS names the CSV"
)


@pytest.fixture(scope="module")
def published() -> Judgements:
    labels = pd.read_csv(LABELS).sort_values("label_id")
    labels = labels.drop_duplicates(["example_id", "annotator"], keep="last")
    frame = pd.DataFrame(
        {
            "study": "published",
            "dataset": labels["dataset"],
            "metric": labels["metric"].replace("IoU", "RMA"),
            "network": labels["model"],
            "attributor": labels["method"],
            "trial": labels["example_id"],
            "image": labels["example_id"],
            "annotator": labels["annotator"],
            "choice": labels["choice"].replace("learn", "finetuned"),
            "answer": labels["choice"].replace("learn", "finetuned"),
            "side": None,
            "rt_ms": np.nan,
            "confidence": np.nan,
            "position": np.nan,
            "score_original": 0.0,
            "score_finetuned": (labels["example_id"] % 97).astype(float),
            "direction": "higher",
            "is_repeat": False,
            "is_catch": False,
            "is_correct": np.nan,
            "is_excluded": False,
        }
    )
    return judgements_from_frame(frame)


def test_there_are_15000_labels_of_5_annotators_in_15_conditions(published: Judgements) -> None:
    assert published.n == 15_000
    assert len(published.annotators) == 5
    assert len(published.conditions) == 15


def test_few_conditions_are_significant_once_annotators_are_random(published: Judgements) -> None:
    names = ("net_preference_iid", "net_preference_images", "net_preference")
    found = significance(
        [
            (part.conditions[0], {name: MEASURES[name].compute(part, 0) for name in names})
            for part in published.by_condition()
        ]
    )
    tests = ("iid", "images", "two_way")
    assert [found.estimable[test] for test in tests] == [15, 15, 15]
    assert [found.significant[test] for test in tests] == [11, 11, 4]
    assert [found.significant_holm[test] for test in tests] == [8, 7, 0]


def test_people_prefer_gradcam_after_rma_and_no_other_interval_is_as_far_from_zero(published: Judgements) -> None:
    results = {part.conditions[0]: MEASURES["net_preference"].compute(part, 0) for part in published.by_condition()}
    key = next(key for key in results if (key.metric, key.attributor) == ("RMA", "GradCam"))
    estimate = results[key]
    assert estimate.value == pytest.approx(0.584)
    assert (estimate.low, estimate.high, estimate.p) == pytest.approx((0.149, 1.0, 0.0203), abs=0.001)
    assert max(results, key=lambda other: results[other].low or 0) == key


POOLED_AND_WITHIN = {
    "percent_agreement": (0.705, None),
    "gwet_ac1": (0.608, 0.636),
    "fleiss_kappa": (0.405, 0.227),
    "cohen_kappa_mean": (0.409, 0.255),
    "alpha_nominal": (0.405, 0.228),
    "alpha_ordinal": (0.351, 0.237),
}


@pytest.mark.parametrize("name", POOLED_AND_WITHIN)
def test_reliability_beyond_chance_is_far_lower_within_conditions_than_pooled(name: str, published: Judgements) -> None:
    pooled, within = POOLED_AND_WITHIN[name]
    assert MEASURES[name].compute(published, 0).value == pytest.approx(pooled, abs=0.001)
    if within is not None:
        assert MEASURES[f"{name}_within"].compute(published, 0).value == pytest.approx(within, abs=0.001)


def test_two_thirds_of_the_answers_are_neither(published: Judgements) -> None:
    assert MEASURES["share_neither"].compute(published, 0).value == pytest.approx(0.669, abs=0.001)


def test_alpha_is_that_of_the_krippendorff_package(published: Judgements) -> None:
    table = np.full((len(published.annotators), int(published.trial.max()) + 1), np.nan)
    table[published.annotator, published.trial] = published.choice
    for level in ("nominal", "ordinal"):
        expected = krippendorff.alpha(reliability_data=table, level_of_measurement=level)
        assert MEASURES[f"alpha_{level}"].compute(published, 0).value == pytest.approx(expected, abs=1e-12)


def test_kappa_is_that_of_statsmodels(published: Judgements) -> None:
    expected = statsmodels_kappa(vote_table(published).counts, method="fleiss")
    assert MEASURES["fleiss_kappa"].compute(published, 0).value == pytest.approx(expected, abs=1e-12)


def test_everything_takes_a_few_seconds(published: Judgements) -> None:
    # Of this process alone: others may keep the processors busy.
    start = time.process_time()
    for measure in MEASURES.values():
        measure.compute(published, 0)
    for code in range(15):
        condition = published.of_condition(code)
        for measure in MEASURES.values():
            if measure.scope == "any":
                measure.compute(condition, 0)
    assert time.process_time() - start < 20
