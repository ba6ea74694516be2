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


def gain_svg(report: Report) -> str:
    figure = gain_plot(report)
    assert figure is not None
    return figure.svg


def gain_report(images: int) -> Report:
    """One condition on so many images, with gains that all differ."""
    votes = random_votes(1, images=images)
    return report_of(votes, gains={image: number / 7 for number, (image, _, _) in enumerate(votes)})


def test_each_figure_is_one_svg_that_asks_for_nothing(report: Report) -> None:
    for svg in (forest_plot(report), shares_plot(report), gain_svg(report)):
        ElementTree.fromstring(svg)
        assert "style=" not in svg
        assert not re.search(r'(href|src)="(?!#)', svg)


def test_the_same_report_draws_the_same_bytes(report: Report) -> None:
    again = random_report()
    assert forest_plot(report) == forest_plot(again)
    assert gain_svg(report) == gain_svg(again)
    assert shares_plot(report) == shares_plot(again)


def test_ids_do_not_clash_between_figures(report: Report) -> None:
    ids = re.findall(r'\bid="([^"]+)"', forest_plot(report) + shares_plot(report) + gain_svg(report))
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


def test_a_line_is_drawn_from_20_images_on_through_five_groups() -> None:
    few, enough = gain_plot(gain_report(19)), gain_plot(gain_report(20))
    assert few is not None
    assert enough is not None
    line = r'class="mark-line [^"]*"><path d="(M[^"]*)"'
    assert re.search(line, few.svg) is None
    assert [path.count("L") for path in re.findall(line, enough.svg)] == [4]
    assert few.marks == "Dots are images. No line is drawn through these panels of fewer than 20 images."
    assert enough.marks == (
        "Dots are images. The line goes through the means of 5 equal groups of images, ordered by gain."
    )


def test_names_with_markup_are_escaped() -> None:
    votes = random_votes(1)
    report = report_of(votes)
    result = report.conditions[0]
    assert "&lt;" not in forest_plot(report)
    key = replace(result.facts.key, metric="<script>")
    marked = replace(report, conditions=(replace(result, facts=replace(result.facts, key=key)),))
    assert "<script>" not in forest_plot(marked)
    assert "&lt;script&gt;" in forest_plot(marked)
