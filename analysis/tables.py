"""The tables of a report as text, ready for the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.measures.estimates import Estimate
from analysis.measures.sides import SideShare
from analysis.reports import Cell, Report, condition_keys
from analysis.wording import NOT_ESTIMABLE, condition_labels, decimal, interval, p_value, percent


@dataclass(frozen=True, slots=True)
class Entry:
    """A cell: its text, an interval below, the reason why it is missing, and what hovering tells."""

    text: str
    detail: str = ""
    reason: str = ""
    hover: str = ""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: its name, and whether it begins a group or sums up the others."""

    name: str
    entries: list[Entry]
    heading: str = ""
    is_overall: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption; `columns` head the entries, `first` the names of the rows."""

    caption: str
    first: str
    columns: tuple[str, ...]
    rows: list[TableRow]


def preference_table(report: Report) -> Table:
    """Net preference and the decisive win rate, with the two-way and with Wilson's interval, by condition."""
    return Table(
        caption="Preference by condition, with 95 % intervals.",
        first="Condition",
        columns=(
            "Answers",
            "Images",
            "Annotators",
            "Net preference",
            "Win rate",
            "Win rate (Wilson)",
            "Finetuned on left",
        ),
        rows=[TableRow(name, _preference(cell), heading, overall) for name, heading, cell, overall in _cells(report)],
    )


def shares_table(report: Report) -> Table:
    """The shares of the answers with Wilson's intervals, and the most frequent answers of the trials, by condition."""
    return Table(
        caption="Shares of the answers with 95 % Wilson intervals, and trials by their most frequent answer.",
        first="Condition",
        columns=(
            "Finetuned",
            "Neither",
            "Original",
            "Trials",
            "mostly finetuned",
            "mostly neither",
            "mostly original",
            "tied",
        ),
        rows=[TableRow(name, _shares(cell), heading, overall) for name, heading, cell, overall in _cells(report)],
    )


def agreement_table(report: Report) -> Table:
    """Mean metric gain and the AUC by condition; within conditions and pooled for each metric by itself."""
    labels = condition_labels(condition_keys(report))
    rows: list[TableRow] = []
    for metric in report.metrics:
        results = [result for result in report.conditions if result.facts.key.metric == metric.metric]
        for number, result in enumerate(results):
            heading = "" if number else metric.metric
            rows.append(TableRow(labels[result.facts.key], _agreement(result.cell, "metric_auc"), heading))
        if len(results) > 1:
            rows.append(TableRow("within conditions", _agreement(metric.cell, "metric_auc_within"), "", True))
            rows.append(TableRow("pooled", _agreement(metric.cell, "metric_auc"), "", True))
    if len(report.metrics) > 1:
        rows.append(TableRow("within conditions", _agreement(report.overall, "metric_auc_within"), "All metrics", True))
    return Table(
        caption="The metric and the annotators, image by image, with 95 % intervals.",
        first="Condition",
        columns=("Mean metric gain", "AUC", "Permutation p", "Decisive answers"),
        rows=rows,
    )


def reliability_table(report: Report) -> Table:
    """Agreement between annotators by condition; within conditions and pooled for all. Kappa never stands alone."""
    rows = [
        TableRow(name, _reliability(cell, ""), heading)
        for name, heading, cell, overall in _cells(report)
        if not overall
    ]
    if len(report.conditions) > 1:
        rows.append(TableRow("within conditions", _reliability(report.overall, "_within"), "All conditions", True))
        rows.append(TableRow("pooled", _reliability(report.overall, ""), "", True))
    return Table(
        caption="Agreement between annotators, with 95 % intervals.",
        first="Condition",
        columns=(
            "Share neither",
            "Percent agreement",
            "Gwet's AC1",
            "Fleiss' kappa",
            "Alpha, nominal",
            "Alpha, ordinal",
            "Trials",
        ),
        rows=rows,
    )


def annotator_table(report: Report) -> Table:
    """One row per annotator."""
    rows = [
        TableRow(
            profile.annotator,
            [
                Entry(f"{profile.answers:,}"),
                Entry(NOT_ESTIMABLE, reason="no times")
                if profile.median_rt_ms is None
                else Entry(f"{profile.median_rt_ms / 1000:.1f} s"),
                Entry(NOT_ESTIMABLE, reason="no sides")
                if profile.left_share is None
                else Entry(percent(profile.left_share)),
                _side(report.finetuned_left[profile.annotator]),
                Entry(percent(profile.finetuned / profile.answers)),
                Entry(percent(profile.neither_share)),
                Entry(percent(profile.original / profile.answers)),
            ],
        )
        for profile in report.annotators
    ]
    return Table(
        caption="What each annotator did.",
        first="Annotator",
        columns=("Answers", "Median time", "Chose left", "Finetuned on left", "Finetuned", "Neither", "Original"),
        rows=rows,
    )


def _cells(report: Report) -> list[tuple[str, str, Cell, bool]]:
    """Name, heading (at the first row of a metric), numbers, and whether these are all conditions together."""
    labels = condition_labels(condition_keys(report))
    rows: list[tuple[str, str, Cell, bool]] = []
    for metric in dict.fromkeys(result.facts.key.metric for result in report.conditions):
        heading = metric
        for result in report.conditions:
            if result.facts.key.metric == metric:
                rows.append((labels[result.facts.key], heading, result.cell, False))
                heading = ""
    if len(report.conditions) > 1:
        rows.append(("All conditions", "", report.overall, True))
    return rows


def _preference(cell: Cell) -> list[Entry]:
    return [
        Entry(f"{cell.answers:,}"),
        Entry(f"{cell.images:,}"),
        Entry(f"{cell.annotators:,}"),
        _number(cell.estimates["net_preference"], "answers", signed=True),
        _number(cell.estimates["win_rate"], "decisive answers", null=0.5, se_scale=" (log odds)"),
        _number(cell.estimates["win_rate_wilson"], "decisive answers", null=0.5),
        _side(cell.finetuned_left),
    ]


def _shares(cell: Cell) -> list[Entry]:
    counts = cell.majority
    return [
        *(_share(cell.estimates[f"share_{choice}"]) for choice in ("finetuned", "neither", "original")),
        *(Entry(f"{trials:,}") for trials in (counts.n, counts.finetuned, counts.neither, counts.original, counts.tie)),
    ]


def _agreement(cell: Cell, measure: str) -> list[Entry]:
    auc = cell.estimates[measure]
    gain = (
        Entry(NOT_ESTIMABLE, reason=cell.why_no_gain or "") if cell.mean_gain is None else Entry(_gain(cell.mean_gain))
    )
    return [
        gain,
        _number(auc, "decisive answers", null=0.5),
        Entry(NOT_ESTIMABLE, reason=auc.reason or "") if auc.p is None else Entry(p_value(auc.p)),
        Entry(f"{auc.n:,}"),
    ]


def _reliability(cell: Cell, suffix: str) -> list[Entry]:
    names: Sequence[str] = (
        "percent_agreement",
        f"gwet_ac1{suffix}",
        f"fleiss_kappa{suffix}",
        f"alpha_nominal{suffix}",
        f"alpha_ordinal{suffix}",
    )
    return [
        _share(cell.estimates["share_neither"]),
        *(_number(cell.estimates[name], "trials") for name in names),
        Entry(f"{cell.estimates['percent_agreement'].n:,}"),
    ]


def _side(side: SideShare) -> Entry:
    if side.share is None:
        return Entry(NOT_ESTIMABLE, reason="no sides")
    return Entry(percent(side.share), hover=f"n = {side.known:,} answers with a known side")


def _number(estimate: Estimate, unit: str, *, signed: bool = False, null: float = 0.0, se_scale: str = "") -> Entry:
    hover = f"n = {estimate.n:,} {unit}" + ("" if estimate.se is None else f"; SE {decimal(estimate.se, 3)}{se_scale}")
    if estimate.value is None:
        return Entry(NOT_ESTIMABLE, reason=estimate.reason or "", hover=hover)
    text, _, bounds = interval(estimate, signed=signed, null=null).partition(" ")
    return Entry(text, bounds, "" if bounds else estimate.reason or "", hover)


def _share(estimate: Estimate) -> Entry:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return Entry(NOT_ESTIMABLE, reason=estimate.reason or "")
    bounds = f"[{decimal(estimate.low)}, {decimal(estimate.high)}]"
    return Entry(percent(estimate.value), bounds, hover=f"n = {estimate.n:,} answers")


def _gain(gain: float) -> str:
    return f"{gain:+#.3g}".replace("-", "\u2212")
