"""A report as HTML: the self-contained file, and what the page of the site shows."""

from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from analysis.exports import SIMULATED_BANNER
from analysis.limitations import limitations
from analysis.measures import MEASURES, annotator_profiles, majority, sides
from analysis.plots import forest_plot, gain_plot, shares_plot
from analysis.references import REFERENCES
from analysis.reports import SCHEMA, Report
from analysis.sentences import headlines, summary
from analysis.tables import agreement_table, annotator_table, preference_table, reliability_table, shares_table

STYLESHEET = Path(__file__).resolve().parent / "static" / "analysis" / "report.css"


def report_context(report: Report) -> dict[str, Any]:
    """Everything that the template of a report prints."""
    gain = gain_plot(report)
    return {
        "report": report,
        "study": report.study,
        "schema": SCHEMA,
        "banner": SIMULATED_BANNER if report.study.is_simulated else None,
        "summary": summary(report),
        "headlines": [_lead_and_rest(report, sentence) for sentence in headlines(report)],
        "limitations": limitations(report),
        "forest": mark_safe(forest_plot(report)),
        "shares": mark_safe(shares_plot(report)),
        "gain": None if gain is None else mark_safe(gain.svg),
        "gain_marks": None if gain is None else gain.marks,
        "shares_table": shares_table(report),
        "preference_table": preference_table(report),
        "agreement_table": agreement_table(report),
        "reliability_table": reliability_table(report),
        "annotator_table": annotator_table(report),
        "measures": list(MEASURES.values()),
        "majority_definition": majority.DEFINITION,
        "annotators_definition": annotator_profiles.DEFINITION,
        "sides_definition": sides.DEFINITION,
        "references": REFERENCES,
    }


def report_html(report: Report) -> bytes:
    """One file that asks for nothing else: styles and figures are inside."""
    context = {**report_context(report), "stylesheet": mark_safe(STYLESHEET.read_text(encoding="utf-8"))}
    return render_to_string("analysis/report_file.html", context).encode()


def _lead_and_rest(report: Report, sentence: str) -> tuple[str, str]:
    """A sentence that opens with the name of a metric, split after it; otherwise the lead is empty."""
    lead, colon, rest = sentence.partition(": ")
    if colon and lead in {result.facts.key.metric for result in report.conditions}:
        return lead, rest
    return "", sentence
