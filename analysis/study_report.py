"""From a study in the database to its report and files."""

from dataclasses import dataclass

import pandas as pd

from analysis.exports import judgements_csv, report_json
from analysis.pages import report_html
from analysis.reports import DEFAULT_SEED, Report, build_report
from analysis.selectors import judgement_frame, study_facts
from studies.models import Study

REPORT_HTML = "report.html"
REPORT_JSON = "report.json"
JUDGEMENTS_CSV = "judgements.csv"
CONTENT_TYPES = {
    REPORT_HTML: "text/html; charset=utf-8",
    REPORT_JSON: "application/json",
    JUDGEMENTS_CSV: "text/csv; charset=utf-8",
}
"""The files of a report and their types."""


@dataclass(frozen=True, slots=True)
class StudyReport:
    """A report with the judgement frame it was made from."""

    report: Report
    frame: pd.DataFrame

    def file(self, name: str) -> bytes:
        """The content of one of the files named in `CONTENT_TYPES`. Raises KeyError for another name."""
        if name == REPORT_HTML:
            return report_html(self.report)
        if name == REPORT_JSON:
            return report_json(self.report)
        if name == JUDGEMENTS_CSV:
            return judgements_csv(self.frame)
        raise KeyError(f"unknown file {name!r} (known: {', '.join(CONTENT_TYPES)})")


def study_report(study: Study, *, seed: int = DEFAULT_SEED) -> StudyReport:
    """The report of a study as its answers are now.

    Raises NoResponsesError where nobody has answered, FrameError where the answers do not fit the study.
    """
    frame = judgement_frame(study)
    return StudyReport(build_report(frame, study_facts(study), seed=seed), frame)
