"""The tables of a report."""

from analysis.tables import agreement_table, annotator_table, preference_table
from analysis.tests.studies_for_reports import opposed_report, random_report


def test_agreement_has_rows_per_metric_and_none_over_different_metrics() -> None:
    rows = agreement_table(opposed_report()).rows
    assert [(row.heading, row.name) for row in rows] == [
        ("RMA", "GradCAM"),
        ("Focus", "GradCAM"),
        ("All metrics", "within conditions"),
    ]
    gain, auc, p, _ = rows[-1].entries
    for entry in (gain, auc, p):
        assert (entry.text, entry.detail, entry.reason) == ("not estimable", "", "different metrics")


def test_a_metric_with_several_conditions_has_rows_for_all_of_them() -> None:
    rows = agreement_table(random_report()).rows
    assert [row.name for row in rows] == ["attributor0", "attributor1", "attributor2", "within conditions", "pooled"]
    assert all(entry.text != "not estimable" for row in rows[3:] for entry in row.entries)


def test_the_standard_error_of_the_win_rate_names_its_scale() -> None:
    table = preference_table(random_report())
    entries = dict(zip(table.columns, table.rows[0].entries, strict=True))
    assert entries["Win rate"].hover.endswith(" (log odds)")
    assert "log odds" not in entries["Win rate (Wilson)"].hover + entries["Net preference"].hover


def test_the_sides_stand_beside_conditions_and_annotators() -> None:
    report = opposed_report()
    for table in (preference_table(report), annotator_table(report)):
        place = table.columns.index("Finetuned on left")
        assert {row.entries[place].text for row in table.rows} == {"100\u202f%"}
