"""report.json and judgements.csv."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from analysis.exports import judgements_csv, report_json, write_files
from analysis.measures import MEASURES
from analysis.measures.judgements import COLUMNS
from analysis.measures.tests.frames import frame_of, random_votes
from analysis.tests.studies_for_reports import opposed_report, random_report, report_of


def estimates_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    cells = [document["overall"], *document["conditions"]]
    return [estimate for cell in cells for estimate in cell["measures"].values()]


def test_the_same_report_gives_the_same_bytes() -> None:
    assert report_json(random_report()) == report_json(random_report())


def test_every_number_has_its_n_and_every_gap_its_reason() -> None:
    for report in (random_report(), report_of([("a", "A1", 0)])):
        for estimate in estimates_of(json.loads(report_json(report))):
            assert isinstance(estimate["n"], int)
            if estimate["value"] is None or estimate["low"] is None:
                assert estimate["reason"]


def test_definitions_and_schema_are_inside() -> None:
    document = json.loads(report_json(random_report()))
    assert document["schema"] == "harmony-report/1"
    assert set(MEASURES) <= set(document["definitions"])
    assert document["banner"] is None


def test_the_metrics_stand_apart_and_what_mixes_them_is_null_with_the_reason() -> None:
    document = json.loads(report_json(opposed_report()))
    rma, focus = (entry["measures"]["metric_auc_within"] for entry in document["metrics"])
    assert [entry["metric"] for entry in document["metrics"]] == ["RMA", "Focus"]
    assert rma["low"] > 0.5 > focus["high"]
    assert document["overall"]["measures"]["metric_auc_within"]["reason"] == "different metrics"
    assert (document["overall"]["mean_gain"], document["overall"]["mean_gain_reason"]) == (None, "different metrics")


def test_sides_and_recurring_originals_are_inside() -> None:
    document = json.loads(report_json(opposed_report()))
    assert document["conditions"][0]["finetuned_left"] == {"value": 1.0, "n": 150, "reason": None}
    assert document["annotators"][0]["finetuned_left"] == {"value": 1.0, "n": 60, "reason": None}
    assert document["recurrence"] == {"cases": 150, "answers": 300, "annotators": 5}
    assert {"finetuned_left", "recurrence"} <= set(document["definitions"])


def test_a_simulated_study_says_so_at_the_top() -> None:
    document = json.loads(report_json(random_report(is_simulated=True)))
    assert list(document)[:3] == ["schema", "simulated", "banner"]
    assert document["simulated"] is True
    assert document["banner"].startswith("Simulated annotators")


def test_the_numbers_are_those_of_the_report() -> None:
    report = random_report()
    document = json.loads(report_json(report))
    expected = report.conditions[1].cell.estimates["net_preference"]
    written = document["conditions"][1]["measures"]["net_preference"]
    assert (written["value"], written["low"]) == pytest.approx((expected.value, expected.low), rel=1e-11)


def test_the_csv_has_the_columns_of_the_frame_and_a_row_per_answer() -> None:
    frame = frame_of(random_votes(1, images=3, annotators=2), gains=None)
    rows = list(csv.DictReader(io.StringIO(judgements_csv(frame).decode())))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 6
    assert (rows[0]["score_original"], rows[0]["score_finetuned"], rows[0]["is_catch"]) == ("0", "", "0")


def test_formulas_in_names_are_neutralised_in_the_csv() -> None:
    frame = frame_of([("=cmd|' /C calc'!A0", "A1", 1)], gains={"=cmd|' /C calc'!A0": -0.25})
    (row,) = csv.DictReader(io.StringIO(judgements_csv(frame).decode()))
    assert row["image"] == "'=cmd|' /C calc'!A0"
    assert row["score_finetuned"] == "-0.25"


def test_files_replace_older_ones_and_leave_no_temporary(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "report"
    write_files({"a.txt": b"old", "b.txt": b"b"}, folder)
    write_files({"a.txt": b"new"}, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["a.txt", "b.txt"]
    assert (folder / "a.txt").read_bytes() == b"new"


def test_a_file_that_cannot_be_written_leaves_no_temporary(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(OSError, match=r"a\.txt"):
        write_files({"a.txt": b"new"}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
