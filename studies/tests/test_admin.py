"""The admin: usable for large studies, and unable to touch answers."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from studies.models import Assignment, Pair, Participation, Picture, Response, Study, Trial
from studies.services import assignments_draw, copy_study, enrol
from studies.tests.test_drawing import NewUser, answer, draw_all

LISTS = ["user", "study", "picture", "condition", "image", "pair", "trial", "participation", "assignment", "response"]


def list_queries(client: Client, model: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        response = client.get(reverse(f"admin:studies_{model}_changelist"))
        assert response.status_code == 200
    return len(queries)


@pytest.mark.parametrize("model", LISTS)
def test_a_list_takes_no_more_queries_for_more_rows(
    staff_client: Client, participation: Participation, new_user: NewUser, model: str
) -> None:
    answer(assignments_draw(participation=participation, count=1)[0])
    before = list_queries(staff_client, model)
    second = enrol(study=copy_study(study=participation.study, slug="copy"), annotator=new_user("second"))
    draw_all(second)
    draw_all(participation)
    assert list_queries(staff_client, model) == before
    assert before <= 10


def test_the_list_of_studies_shows_progress(staff_client: Client, participation: Participation) -> None:
    for assignment in assignments_draw(participation=participation, count=6):
        answer(assignment)
    page = staff_client.get(reverse("admin:studies_study_changelist")).content.decode()
    assert "6 of 24 (25 %)" in page


@pytest.mark.parametrize("model", LISTS)
def test_a_list_can_be_searched(staff_client: Client, participation: Participation, model: str) -> None:
    response = staff_client.get(reverse(f"admin:studies_{model}_changelist"), {"q": "zebra"})
    assert response.status_code == 200


@pytest.mark.parametrize("model", [Study, Picture, Pair, Trial, Assignment, Response, Participation])
def test_a_row_can_be_looked_at(
    staff_client: Client,
    participation: Participation,
    model: type[Study | Picture | Pair | Trial | Assignment | Response | Participation],
) -> None:
    answer(assignments_draw(participation=participation, count=1)[0])
    row = model._default_manager.first()
    assert row is not None
    address = reverse(f"admin:studies_{model._meta.model_name}_change", args=[row.pk])
    assert staff_client.get(address).status_code == 200


def test_responses_can_be_neither_added_nor_changed_nor_deleted(
    staff_client: Client, participation: Participation
) -> None:
    answer(assignments_draw(participation=participation, count=1)[0])
    response = Response.objects.get()
    change = reverse("admin:studies_response_change", args=[response.pk])
    assert staff_client.post(change, {"given": "right"}).status_code == 403
    assert staff_client.post(reverse("admin:studies_response_delete", args=[response.pk])).status_code == 403
    assert staff_client.get(reverse("admin:studies_response_add")).status_code == 403
    selected = {"action": "delete_selected", "_selected_action": [response.pk], "post": "yes"}
    staff_client.post(reverse("admin:studies_response_changelist"), selected)
    assert Response.objects.get().given == response.given


def test_a_study_with_responses_cannot_be_deleted(staff_client: Client, participation: Participation) -> None:
    answer(assignments_draw(participation=participation, count=1)[0])
    address = reverse("admin:studies_study_delete", args=[participation.study_id])
    staff_client.post(address, {"post": "yes"})
    assert Study.objects.exists()


def test_a_study_can_be_paused_from_the_list(staff_client: Client, tiny_study: Study) -> None:
    form = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": tiny_study.pk, "form-0-state": "paused"}
    staff_client.post(reverse("admin:studies_study_changelist"), {**form, "_save": "Save"})
    assert Study.objects.get().state == "paused"


def test_stored_pictures_are_for_staff_alone(
    staff_client: Client, annotator_client: Client, participation: Participation
) -> None:
    address = reverse("stored_picture", args=[Picture.objects.order_by("pk")[0].digest])
    assert staff_client.get(address).headers["Content-Type"] == "image/png"
    assert annotator_client.get(address).status_code == 302
    assert Client().get(address).status_code == 302
    assert staff_client.get(reverse("stored_picture", args=["0" * 64])).status_code == 404
