"""A report that is computed while somebody is erased does not bring back who they were."""

from typing import Any

import pytest

from analysis import computing
from analysis.run_files import study_folder
from analysis.tests.computed import computed_report, small_report
from studies.media import sizes_below
from studies.models import Participation, Study
from studies.services.erasure import Answers, annotators_erase

pytestmark = pytest.mark.usefixtures("own_media")


@pytest.mark.parametrize("answers", list(Answers))
def test_a_report_that_is_computed_while_somebody_is_erased_is_not_kept(
    answered_study: Study, monkeypatch: pytest.MonkeyPatch, answers: Answers
) -> None:
    def erased_meanwhile(*arguments: Any, **named: Any) -> Any:
        made = small_report(*arguments, **named)
        person = Participation.objects.filter(study=answered_study)[0].annotator
        annotators_erase(users=[person], answers=answers)
        return made

    monkeypatch.setattr(computing, "make_report", erased_meanwhile)
    run = computed_report(answered_study)
    assert (run.state, run.failure) == ("failed", "stopped")
    assert sizes_below(study_folder(answered_study)) == {}
    monkeypatch.setattr(computing, "make_report", small_report)
    assert computed_report(answered_study).state == "done"
