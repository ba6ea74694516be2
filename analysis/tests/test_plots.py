"""The figures as SVG."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from analysis.measures.tests.frames import random_votes
from analysis.plots import FINETUNED, ORIGINAL, forest_plot, gain_plot, shares_plot
from analysis.reports import Report
from analysis.tests.studies_for_reports import random_report, report_of


@pytest.fixture(scope="module")
def report() -> Report:
    return random_report()


def test_each_figure_is_one_svg_that_asks_for_nothing(report: Report) -> None:
    for svg in (forest_plot(report), shares_plot(report), gain_plot(report)):
        assert svg is not None
        ElementTree.fromstring(svg)
        assert "style=" not in svg
        assert not re.search(r'(href|src)="(?!#)', svg)


def test_the_same_report_draws_the_same_bytes(report: Report) -> None:
    again = random_report()
    assert forest_plot(report) == forest_plot(again)
    assert gain_plot(report) == gain_plot(again)
    assert shares_plot(report) == shares_plot(again)


def test_ids_do_not_clash_between_figures(report: Report) -> None:
    ids = re.findall(r'\bid="([^"]+)"', forest_plot(report) + shares_plot(report) + (gain_plot(report) or ""))
    assert ids
    assert len(ids) == len(set(ids))


def test_the_colour_tells_the_side_of_a_clear_preference() -> None:
    liked = forest_plot(report_of(random_votes(1, images=40, shares=(0.1, 0.2, 0.7))))
    disliked = forest_plot(report_of(random_votes(1, images=40, shares=(0.7, 0.2, 0.1))))
    assert (FINETUNED in liked, ORIGINAL in liked) == (True, False)
    assert (FINETUNED in disliked, ORIGINAL in disliked) == (False, True)


def test_numbers_stand_beside_the_intervals(report: Report) -> None:
    assert len(re.findall(r"[+\u2212]?\.\d\d \[", forest_plot(report))) == 4


def test_a_value_without_an_interval_is_drawn_as_such() -> None:
    assert ".50, no interval" in forest_plot(report_of([("a", "A1", 1), ("b", "A1", 0)]))


def test_without_scores_there_is_no_gain_plot() -> None:
    assert gain_plot(report_of(random_votes(1))) is None


def test_names_with_markup_are_escaped() -> None:
    votes = random_votes(1)
    report = report_of(votes)
    result = report.conditions[0]
    assert "&lt;" not in forest_plot(report)
    key = replace(result.facts.key, metric="<script>")
    marked = replace(report, conditions=(replace(result, facts=replace(result.facts, key=key)),))
    assert "<script>" not in forest_plot(marked)
    assert "&lt;script&gt;" in forest_plot(marked)
