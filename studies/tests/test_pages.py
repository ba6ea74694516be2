"""The annotators' pages: my studies, the runner, done."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from studies.models import Participation, Study, User
from studies.selectors import Progress
from studies.services import assignments_draw, copy_study, enrol
from studies.tests.test_drawing import answer, draw_all


@pytest.mark.parametrize("name", ["home", "runner", "done"])
def test_those_who_are_not_logged_in_are_sent_to_the_log_in(tiny_study: Study, client: Client, name: str) -> None:
    address = reverse(name, args=[] if name == "home" else ["tiny"])
    response = client.get(address)
    assert response.status_code == 302
    assert response.headers["Location"] == f"/accounts/login/?next={address}"


@pytest.mark.parametrize("name", ["runner", "done"])
def test_those_who_take_no_part_get_404(
    tiny_study: Study, new_user: Callable[..., User], client: Client, name: str
) -> None:
    client.force_login(new_user("stranger"))
    assert client.get(reverse(name, args=["tiny"])).status_code == 404


def test_the_start_page_lists_the_studies_with_progress(annotator_client: Client, participation: Participation) -> None:
    for assignment in assignments_draw(participation=participation, count=2):
        answer(assignment)
    rows = annotator_client.get("/").context["studies"]
    assert [(row.study.slug, row.progress) for row in rows] == [("tiny", Progress(answered=2, total=12))]


def test_the_start_page_takes_as_many_queries_for_five_studies_as_for_one(
    annotator_client: Client, participation: Participation, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(4):
        copy = copy_study(study=participation.study, slug=f"copy-{number}")
        enrol(study=copy, annotator=participation.annotator)
    with django_assert_num_queries(3):
        assert len(annotator_client.get("/").context["studies"]) == 5


def test_the_start_page_leads_researchers_to_the_dashboard(
    staff_client: Client, tiny_study: Study, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3):
        page = staff_client.get("/").content.decode()
    assert f'href="{reverse("dashboard")}"' in page


def test_the_start_page_of_annotators_leads_to_no_report(annotator_client: Client) -> None:
    page = annotator_client.get("/").content.decode()
    assert "report" not in page
    assert "dashboard" not in page
    assert "/admin/" not in page


def test_the_runner_page_knows_the_study_and_the_progress(annotator_client: Client) -> None:
    response = annotator_client.get(reverse("runner", args=["tiny"]))
    assert response.status_code == 200
    assert response.context["progress"] == Progress(answered=0, total=12)
    assert "csrftoken" in response.cookies


def test_the_done_page_is_done_after_the_last_trial(annotator_client: Client, participation: Participation) -> None:
    assert not annotator_client.get(reverse("done", args=["tiny"])).context["progress"].is_done
    draw_all(participation)
    assert annotator_client.get(reverse("done", args=["tiny"])).context["progress"].is_done


def test_pages_are_not_kept_by_browsers(annotator_client: Client) -> None:
    for address in ("/", "/studies/tiny/", "/studies/tiny/done/"):
        assert "no-store" in annotator_client.get(address).headers["Cache-Control"]


def test_pages_load_nothing_inline(annotator_client: Client) -> None:
    response = annotator_client.get(reverse("runner", args=["tiny"]))
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("answered", "total", "percent"), [(0, 12, 0), (1, 3, 33), (299, 300, 99), (3, 3, 100), (0, 0, 100)]
)
def test_progress_is_a_hundred_per_cent_only_when_done(answered: int, total: int, percent: int) -> None:
    assert Progress(answered, total).percent == percent
