"""The report's page on the site."""

import pytest
from django.test import Client
from django.urls import reverse

from studies.models import Participation, Study, User


def test_staff_see_the_report_with_downloads_and_a_way_back(staff_client: Client, answered_study: Study) -> None:
    response = staff_client.get("/studies/answered/report/")
    page = response.content.decode()
    assert response.status_code == 200
    assert "Simulated annotators" in page
    assert page.count("<svg") == 3
    assert f'href="{reverse("dashboard_exports", args=["answered"])}"' in page
    for name in ("report.html", "report.json", "judgements.csv"):
        assert f'href="/studies/answered/report/{name}"' in page


def test_the_page_needs_no_inline_style_or_script(staff_client: Client, answered_study: Study) -> None:
    response = staff_client.get("/studies/answered/report/")
    page = response.content.decode()
    assert "'unsafe-inline'" not in response["Content-Security-Policy"]
    assert "<style" not in page
    assert "style=" not in page
    assert "<script" not in page


@pytest.mark.parametrize("path", ["", "report.html", "report.json", "judgements.csv"])
def test_annotators_get_404_and_strangers_log_in(annotator_client: Client, answered_study: Study, path: str) -> None:
    assert annotator_client.get(f"/studies/answered/report/{path}").status_code == 404
    reply = Client().get(f"/studies/answered/report/{path}")
    assert (reply.status_code, reply["Location"]) == (302, f"/accounts/login/?next=/studies/answered/report/{path}")


def test_a_simulated_or_real_annotator_of_the_study_gets_404_too(answered_study: Study) -> None:
    annotator = Participation.objects.filter(study=answered_study)[0].annotator
    User.objects.filter(pk=annotator.pk).update(is_active=True)
    client = Client()
    client.force_login(User.objects.get(pk=annotator.pk))
    assert client.get("/studies/answered/report/").status_code == 404


def test_a_study_without_answers_says_so(staff_client: Client, tiny_study: Study) -> None:
    response = staff_client.get("/studies/tiny/report/")
    assert response.status_code == 200
    assert "Nobody has answered a trial yet" in response.content.decode()


@pytest.mark.parametrize("path", ["", "report.html", "report.json", "judgements.csv"])
def test_answers_that_do_not_fit_the_study_are_explained(
    staff_client: Client, answered_study: Study, path: str
) -> None:
    Study.objects.filter(pk=answered_study.pk).update(offer_neither=False)
    response = staff_client.get(f"/studies/answered/report/{path}")
    page = response.content.decode()
    assert response.status_code == 409
    assert "the stored answers do not fit the study" in page
    assert "of 24 answers are neither, which is not offered; let the study offer neither" in page
    assert "Nobody has answered" not in page


def test_an_unknown_study_is_404(staff_client: Client, db: None) -> None:
    assert staff_client.get("/studies/nothing/report/").status_code == 404


def test_the_page_is_only_read(staff_client: Client, answered_study: Study) -> None:
    assert staff_client.post("/studies/answered/report/").status_code == 405
