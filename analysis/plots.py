"""The figures of a report, as SVG: Altair specifications rendered by vl-convert.

Colours are those of Okabe and Ito, which colour-blind readers tell apart; a choice has the same colour everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import altair as alt
import numpy as np
import vl_convert

from analysis.measures.votes import vote_table
from analysis.reports import Cell, ConditionResult, Report, condition_keys
from analysis.sentences import preference_verdict
from analysis.svg import self_contained_svg
from analysis.wording import condition_labels, interval

FINETUNED: Final = "#0072B2"
NEITHER: Final = "#CFD4DA"
ORIGINAL: Final = "#D55E00"
INK: Final = "#1B1F24"
MUTED: Final = "#5B6570"
HAIRLINE: Final = "#E3E6EA"
VERDICT_COLOURS: Final[Mapping[str, str]] = {
    "finetuned": FINETUNED,
    "original": ORIGINAL,
    "unclear": "#7A8490",
    "open": "#7A8490",
}
FONT: Final = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif"
VEGA_LITE: Final = "6.4"
NAMES_WIDTH: Final = 175
PLOT_WIDTH: Final = 440
NUMBERS_WIDTH: Final = 125
ROW_STEP: Final = 26
GROUP_GAP: Final = 0.35
SMALLEST_LABELLED_SHARE: Final = 0.045
MOST_DOTS: Final = 4000
GAIN_GROUPS: Final = 5
FEWEST_FOR_A_LINE: Final = 20

Row = dict[str, Any]


def forest_plot(report: Report) -> str:
    """Net preference by condition with its two-way interval, conditions grouped by metric, all together last."""
    headings, places = _layout(report, with_overall=True)
    rows = [_forest_row(place) for place in places]
    ends = [abs(row[key]) for row in rows for key in ("low", "high", "value") if row[key] is not None]
    limit = next(bound for bound in (0.25, 0.5, 0.75, 1.0) if max(ends) <= bound)
    x_scale = alt.Scale(domain=[-limit, limit], nice=False)
    axis = alt.Axis(
        title="\u2190 original preferred\u2003\u2003net preference\u2003\u2003finetuned preferred \u2192",
        # Quarters or halves: labels of two decimals at most.
        values=list(np.linspace(-limit, limit, {0.25: 3, 0.75: 7}.get(limit, 5))),
        labelExpr=_SIGNED_LABELS,
        grid=True,
        titlePadding=10,
    )
    y = _y(places)
    colour = alt.Color("colour:N", scale=None)
    base = alt.Chart(_data(rows))
    layers = [
        base.mark_rule(strokeWidth=2.5, strokeCap="round").encode(
            x=alt.X("low:Q", scale=x_scale, axis=axis), x2="high:Q", y=y, color=colour
        ),
        alt.Chart(_data([{"zero": 0}])).mark_rule(color=MUTED, strokeWidth=1).encode(x="zero:Q"),
        base.mark_point(filled=True, size=90, opacity=1).encode(
            x="value:Q", y=y, color=colour, shape=alt.Shape("shape:N", scale=None)
        ),
        base.mark_text(align="left", fontSize=12, color=INK).encode(x=alt.value(PLOT_WIDTH + 18), y=y, text="text:N"),
        *_row_names(headings, places),
        _edge(PLOT_WIDTH + NUMBERS_WIDTH),
    ]
    chart = alt.layer(*layers).properties(width=PLOT_WIDTH, height=_height(places))
    return _svg(chart, "forest", "Net preference by condition with 95 % intervals")


def shares_plot(report: Report) -> str:
    """The answers by condition as stacked shares: finetuned, neither, original."""
    headings, places = _layout(report, with_overall=False)
    choices = ["finetuned", "neither", "original"] if report.study.offer_neither else ["finetuned", "original"]
    palette = {"finetuned": FINETUNED, "neither": NEITHER, "original": ORIGINAL}
    rows = [part for place in places for part in _share_parts(place, choices)]
    y = _y(places)
    base = alt.Chart(_data(rows))
    axis = alt.Axis(title=None, values=[0, 0.25, 0.5, 0.75, 1], format="%", grid=False)
    layers = [
        base.mark_bar(height=18).encode(
            x=alt.X("start:Q", scale=alt.Scale(domain=[0, 1]), axis=axis),
            x2="end:Q",
            y=y,
            color=alt.Color(
                "choice:N",
                scale=alt.Scale(domain=choices, range=[palette[choice] for choice in choices]),
                legend=alt.Legend(title=None, orient="top", symbolType="square", symbolSize=150, offset=6),
            ),
        ),
        base.mark_text(fontSize=11, fontWeight=600).encode(
            x="middle:Q", y=y, text="text:N", color=alt.Color("ink:N", scale=None)
        ),
        *_row_names(headings, places),
        _edge(PLOT_WIDTH + NUMBERS_WIDTH),
    ]
    chart = alt.layer(*layers).properties(width=PLOT_WIDTH + NUMBERS_WIDTH, height=_height(places))
    return _svg(chart, "shares", "Shares of the answers by condition, in percent")


@dataclass(frozen=True, slots=True)
class GainFigure:
    """The drawing, and how its marks are to be read, for the caption."""

    svg: str
    marks: str


def gain_plot(report: Report) -> GainFigure | None:
    """Metric gain of each image against the mean choice of its annotators, by condition; None without any scores.

    The line goes through the means of 5 groups of images, ordered by gain; a panel with fewer than 20 images has dots
    only. Above 4,000 images in all, panels with a line have no dots.
    """
    panels = [panel for result in report.conditions if (panel := _gain_panel(report, result))]
    if not panels:
        return None
    columns = min(len(panels), 2 if len(panels) in (2, 4) else 3)
    width = (700 - 40 * (columns - 1)) // columns
    if sum(len(dots) for _, dots, _ in panels) > MOST_DOTS:
        panels = [(title, [] if line else dots, line) for title, dots, line in panels]
    charts = [_gain_chart(title, dots, line, width) for title, dots, line in panels]
    chart = alt.concat(*charts, columns=columns, spacing=34)
    svg = _svg(chart, "gain", "Metric gain of each image against the mean choice, by condition")
    return GainFigure(svg, _gain_marks([bool(dots) for _, dots, _ in panels], [bool(line) for _, _, line in panels]))


def _gain_marks(dots: list[bool], lines: list[bool]) -> str:
    """What dots and lines mean, from whether each panel has them."""
    sentences = ["Dots are images."] if any(dots) else []
    if any(lines):
        sentences.append(f"The line goes through the means of {GAIN_GROUPS} equal groups of images, ordered by gain.")
    if not all(lines):
        where = "a panel with" if any(lines) else "these panels of"
        sentences.append(f"No line is drawn through {where} fewer than {FEWEST_FOR_A_LINE} images.")
    return " ".join(sentences)


_SIGNED_LABELS = (
    "datum.value == 0 ? '0' : (datum.value > 0 ? '+' : '\u2212') + (abs(datum.value) == 1 ? '1' : "
    "replace(format(abs(datum.value), '.3~f'), '0.', '.'))"
)


@dataclass(frozen=True, slots=True)
class _Place:
    """A row of a figure; `y` is measured from the top in rows."""

    cell: Cell
    label: str
    y: float
    is_overall: bool = False


def _layout(report: Report, *, with_overall: bool) -> tuple[list[Row], list[_Place]]:
    """Headings (the metrics) and the rows below them, from top to bottom."""
    labels = condition_labels(condition_keys(report))
    headings: list[Row] = []
    places: list[_Place] = []
    top = 0.0
    for metric in dict.fromkeys(result.facts.key.metric for result in report.conditions):
        headings.append({"name": metric, "y": top + 0.5})
        top += 1
        for result in report.conditions:
            if result.facts.key.metric == metric:
                places.append(_Place(result.cell, labels[result.facts.key], top + 0.5))
                top += 1
        top += GROUP_GAP
    if with_overall and len(report.conditions) > 1:
        headings.append({"name": "All conditions", "y": top + 0.5})
        places.append(_Place(report.overall, "", top + 0.5, is_overall=True))
    return headings, places


def _height(places: list[_Place]) -> float:
    return (places[-1].y + 0.7) * ROW_STEP


def _y(places: list[_Place]) -> alt.Y:
    scale = alt.Scale(domain=[places[-1].y + 0.7, 0], nice=False, zero=False)
    return alt.Y("y:Q", scale=scale, axis=None)


def _row_names(headings: list[Row], places: list[_Place]) -> list[alt.Chart]:
    """Headings in bold at the left edge, the names of the rows a little further in."""
    names = [{"name": place.label, "y": place.y} for place in places]
    bold = alt.Chart(_data(headings)).mark_text(align="left", fontSize=13, fontWeight=600, color=INK)
    plain = alt.Chart(_data(names)).mark_text(align="left", fontSize=12, color=INK)
    return [
        chart.encode(x=alt.value(-NAMES_WIDTH + indent), y=_y(places), text="name:N")
        for chart, indent in ((bold, 0), (plain, 12))
    ]


def _data(rows: list[Row]) -> alt.InlineData:
    return alt.InlineData(values=rows)


def _edge(x: int) -> alt.Chart:
    """An invisible mark that keeps room up to `x`: fonts of other machines may be wider than the measured one."""
    invisible = alt.Chart(_data([{}])).mark_point(opacity=0, size=1)
    placed: alt.Chart = invisible.encode(x=alt.value(x), y=alt.value(0))
    return placed


def _forest_row(place: _Place) -> Row:
    estimate = place.cell.estimates["net_preference"]
    text = interval(estimate, signed=True)
    return {
        "y": place.y,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "colour": VERDICT_COLOURS[preference_verdict(estimate)],
        "shape": "diamond" if place.is_overall else "circle",
        "text": text if estimate.low is not None or estimate.value is None else f"{text}, no interval",
    }


def _share_parts(place: _Place, choices: list[str]) -> list[Row]:
    parts: list[Row] = []
    start = 0.0
    for choice in choices:
        share = place.cell.estimates[f"share_{choice}"].value
        if share is None:
            continue
        parts.append(
            {
                "y": place.y,
                "choice": choice,
                "start": start,
                "end": start + share,
                "middle": start + share / 2,
                "text": f"{100 * share:.0f}" if share >= SMALLEST_LABELLED_SHARE else "",
                "ink": INK if choice == "neither" else "#FFFFFF",
            }
        )
        start += share
    return parts


def _gain_panel(report: Report, result: ConditionResult) -> tuple[list[str], list[Row], list[Row]] | None:
    keys = report.judgements.conditions
    if result.facts.key not in keys:
        return None
    judgements = report.judgements.of_condition(keys.index(result.facts.key))
    judgements = judgements.where(np.isfinite(judgements.gain))
    if judgements.n == 0:
        return None
    table = vote_table(judgements)
    total = table.counts.sum(axis=1)
    mean_choice = (table.counts[:, 2] - table.counts[:, 0]) / total
    gain = np.zeros(total.size)
    gain[judgements.trial] = judgements.gain
    order = np.argsort(gain, kind="stable")
    dots = [{"gain": float(gain[row]), "choice": float(mean_choice[row])} for row in order]
    groups = np.array_split(order, GAIN_GROUPS) if order.size >= FEWEST_FOR_A_LINE else []
    line = [
        {"gain": float(gain[part].mean()), "choice": float(np.average(mean_choice[part], weights=total[part]))}
        for part in groups
    ]
    auc = result.cell.estimates["metric_auc"]
    label = condition_labels(condition_keys(report))[result.facts.key]
    told = f"AUC {interval(auc, null=0.5)}" if auc.value is not None else f"AUC not estimable: {auc.reason}"
    return [f"{result.facts.key.metric} \u00b7 {label}", told], dots, line


def _gain_chart(title: list[str], dots: list[Row], line: list[Row], width: int) -> alt.LayerChart | alt.FacetChart:
    values = [row["gain"] for row in dots or line]
    low, high = min(0.0, *values), max(0.0, *values)
    margin = 0.04 * ((high - low) or 1.0)
    x = alt.X(
        "gain:Q",
        title="metric gain",
        scale=alt.Scale(domain=[low - margin, high + margin], nice=False),
        axis=alt.Axis(grid=False, tickCount=5),
    )
    y = alt.Y(
        "choice:Q",
        title=None,
        scale=alt.Scale(domain=[-1.08, 1.08], nice=False),
        axis=alt.Axis(
            values=[-1, 0, 1],
            labelExpr="datum.value == 0 ? 'even' : datum.value > 0 ? 'finetuned' : 'original'",
            ticks=False,
            domain=False,
            labelPadding=8,
        ),
    )
    layers = [
        alt.Chart(_data([{}])).mark_rule(color=MUTED, strokeWidth=1, strokeDash=[3, 3]).encode(x=alt.datum(0)),
        alt.Chart(_data(dots)).mark_circle(color=FINETUNED, opacity=0.3, size=34).encode(x=x, y=y),
        alt.Chart(_data(line)).mark_line(color=INK, strokeWidth=2).encode(x=x, y=y),
        alt.Chart(_data(line)).mark_point(filled=True, color=INK, size=44, opacity=1).encode(x=x, y=y),
    ]
    heading = alt.TitleParams(
        text=title[0], subtitle=title[1], anchor="start", fontSize=13, fontWeight=600, subtitleFontSize=12, offset=8
    )
    return alt.layer(*layers).properties(width=width, height=150, title=heading)


def _svg(chart: alt.LayerChart | alt.FacetChart | alt.ConcatChart, name: str, description: str) -> str:
    configured = chart.configure(
        font=FONT,
        background="transparent",
        padding=2,
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            labelColor=INK,
            titleColor=MUTED,
            domainColor=HAIRLINE,
            tickColor=HAIRLINE,
            gridColor=HAIRLINE,
            labelLimit=220,
        ),
        legend=alt.LegendConfig(labelFontSize=12, labelColor=INK),
        title=alt.TitleConfig(color=INK, subtitleColor=MUTED),
    )
    svg = vl_convert.vegalite_to_svg(configured.to_dict(validate=False), vl_version=VEGA_LITE, allowed_base_urls=[])
    return self_contained_svg(svg, name=name, description=description)
