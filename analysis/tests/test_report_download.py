"""The files of the report as downloads."""

import json

import pytest
from django.test import Client

from analysis.study_report import study_report
from studies.models import Study


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("report.html", "text/html"), ("report.json", "application/json"), ("judgements.csv", "text/csv")],
)
def test_each_file_comes_as_an_attachment(
    staff_client: Client, answered_study: Study, name: str, content_type: str
) -> None:
    response = staff_client.get(f"/studies/answered/report/{name}")
    assert response.status_code == 200
    assert response["Content-Type"].startswith(content_type)
    assert response["Content-Disposition"] == f'attachment; filename="answered-{name}"'
    assert response.content == study_report(answered_study).file(name)


def test_the_json_is_about_this_study(staff_client: Client, answered_study: Study) -> None:
    document = json.loads(staff_client.get("/studies/answered/report/report.json").content)
    assert document["study"]["slug"] == "answered"
    assert document["overall"]["answers"] == 24
    assert document["simulated"] is True


def test_another_file_name_is_404(staff_client: Client, answered_study: Study) -> None:
    assert staff_client.get("/studies/answered/report/settings.py").status_code == 404


def test_nothing_to_download_before_the_first_answer(staff_client: Client, tiny_study: Study) -> None:
    assert staff_client.get("/studies/tiny/report/report.json").status_code == 404
