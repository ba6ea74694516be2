"""The admin: usable for large studies, and unable to touch answers."""

import pytest
from django.db import connection
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from studies.models import Assignment, Condition, Image, Pair, Participation, Picture, Response, Study, Trial, User
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


@pytest.mark.parametrize("page", ["index", "password_change"])
def test_the_admin_names_an_icon_so_that_browsers_ask_for_none(staff_client: Client, page: str) -> None:
    assert 'rel="icon" href="/static/site/mark' in staff_client.get(reverse(f"admin:{page}")).content.decode()


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


PROTOCOL = {
    "title": "Other",
    "question": "Other?",
    "annotators_per_trial": "4",
    "trials_per_annotator": "3",
    "state": "paused",
}


def change_study(client: Client, study: Study, **changes: str) -> HttpResponseBase:
    address = reverse("admin:studies_study_change", args=[study.pk])
    response = client.post(address, {**PROTOCOL, **changes})
    study.refresh_from_db()
    return response


def test_the_protocol_can_be_changed_before_the_first_response(staff_client: Client, tiny_study: Study) -> None:
    assert change_study(staff_client, tiny_study, annotators_per_trial="1").status_code == 302
    assert (tiny_study.title, tiny_study.question, tiny_study.state) == ("Other", "Other?", "paused")
    assert (tiny_study.annotators_per_trial, tiny_study.trials_per_annotator) == (1, 3)
    assert (tiny_study.allow_undo, tiny_study.offer_neither) == (False, False)


def test_with_responses_only_the_state_and_more_annotators_can_be_set(
    staff_client: Client, participation: Participation
) -> None:
    answer(assignments_draw(participation=participation, count=1)[0])
    study = Study.objects.get()
    fixed = ("title", "question", "seed", "trials_per_annotator", "allow_undo", "offer_neither", "slug")
    before = [getattr(study, name) for name in fixed]
    page = staff_client.get(reverse("admin:studies_study_change", args=[study.pk]))
    assert list(page.context["adminform"].form.fields) == ["annotators_per_trial", "state"]
    assert change_study(staff_client, study).status_code == 302
    assert [getattr(study, name) for name in fixed] == before
    assert (study.state, study.annotators_per_trial) == ("paused", 4)


def test_with_responses_no_fewer_annotators_can_be_wanted(staff_client: Client, participation: Participation) -> None:
    answer(assignments_draw(participation=participation, count=1)[0])
    study = Study.objects.get()
    reply = change_study(staff_client, study, annotators_per_trial="1")
    assert "the number can be raised from 2, not lowered" in str(getattr(reply, "content", ""))
    assert (study.state, study.annotators_per_trial) == ("open", 2)
    assert change_study(staff_client, study, annotators_per_trial="2").status_code == 302


@pytest.mark.parametrize("model", [Condition, Pair, Trial, Image])
def test_what_a_bundle_brought_cannot_be_changed(
    staff_client: Client, tiny_study: Study, model: type[Condition | Pair | Trial | Image]
) -> None:
    row = model._default_manager.order_by("pk")[0]
    address = reverse(f"admin:studies_{model._meta.model_name}_change", args=[row.pk])
    assert staff_client.get(address).status_code == 200
    assert staff_client.post(address, {}).status_code == 403
    assert staff_client.get(reverse(f"admin:studies_{model._meta.model_name}_add")).status_code == 403


def test_people_cannot_be_enrolled_in_a_simulated_study(staff_client: Client, tiny_study: Study) -> None:
    copy = copy_study(study=tiny_study, slug="copy", is_simulated=True)
    form = {"study": str(copy.pk), "annotator": str(User.objects.get().pk), "code": "A01"}
    page = staff_client.post(reverse("admin:studies_participation_add"), form)
    assert "The annotators of this study are simulated" in page.content.decode()
    assert staff_client.post(reverse("admin:studies_participation_add"), {**form, "study": ""}).status_code == 200
    assert not Participation.objects.exists()
    staff_client.post(reverse("admin:studies_participation_add"), {**form, "study": str(tiny_study.pk)})
    assert Participation.objects.get().study == tiny_study


def test_a_study_leads_to_its_report(staff_client: Client, tiny_study: Study) -> None:
    for address in (
        reverse("admin:studies_study_changelist"),
        reverse("admin:studies_study_change", args=[tiny_study.pk]),
    ):
        assert 'href="/studies/tiny/report/"' in staff_client.get(address).content.decode()


def test_stored_pictures_are_for_staff_alone(
    staff_client: Client, annotator_client: Client, participation: Participation
) -> None:
    address = reverse("stored_picture", args=[Picture.objects.order_by("pk")[0].digest])
    assert staff_client.get(address).headers["Content-Type"] == "image/png"
    assert annotator_client.get(address).status_code == 404
    assert Client().get(address).status_code == 302
    assert staff_client.get(reverse("stored_picture", args=["0" * 64])).status_code == 404
