"""The rules that the database itself keeps."""

from uuid import uuid4

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from studies.models import AppendOnlyError, Condition, Pair, Participation, Response, Study, Trial
from studies.services import assignments_draw, response_record


@pytest.fixture
def response(participation: Participation) -> Response:
    assignment = assignments_draw(participation=participation, count=1)[0]
    annotator, token = participation.annotator, assignment.token
    response_record(annotator=annotator, token=token, uuid=uuid4(), revision=1, choice="left", rt_ms=500, timing={})
    return Response.objects.get()


def test_a_stored_response_cannot_be_saved_again(response: Response) -> None:
    response.given = "right"
    with pytest.raises(AppendOnlyError):
        response.save()


def test_a_response_cannot_be_deleted(response: Response) -> None:
    with pytest.raises(AppendOnlyError):
        response.delete()


def test_responses_cannot_be_changed_or_deleted_in_bulk(response: Response) -> None:
    with pytest.raises(AppendOnlyError):
        Response.objects.update(given="right")
    with pytest.raises(AppendOnlyError):
        Response.objects.all().delete()


def test_a_study_with_responses_cannot_be_deleted(response: Response) -> None:
    with pytest.raises(ProtectedError):
        Study.objects.get().delete()


def test_a_study_without_responses_can_be_deleted(tiny_study: Study) -> None:
    tiny_study.delete()
    assert not Trial.objects.exists()


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        (Study, {"annotators_per_trial": 0}),
        (Study, {"trials_per_annotator": 0}),
        (Study, {"state": "lost"}),
        (Condition, {"direction": "odd"}),
        (Trial, {"kind": "odd"}),
    ],
)
def test_the_database_refuses_values_that_make_no_sense(
    tiny_study: Study, model: type[Study | Condition | Trial], changes: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        model._default_manager.update(**changes)


def test_natural_keys_lead_back_to_their_rows(tiny_study: Study) -> None:
    for model in (Study, Condition, Pair, Trial):
        row = model._default_manager.order_by("pk").last()
        assert row is not None
        assert model.objects.get_by_natural_key(*row.natural_key()) == row


def test_a_fixture_written_from_the_database_needs_no_primary_keys(tiny_study: Study) -> None:
    text = serializers.serialize(
        "json", Pair.objects.all()[:1], use_natural_foreign_keys=True, use_natural_primary_keys=True
    )
    assert '"pk"' not in text
    assert '"condition": ["tiny", "shapes", ' in text


def test_loading_the_fixture_again_keeps_what_the_running_site_wrote(
    participation: Participation, tiny_bundle: str
) -> None:
    assignments_draw(participation=participation, count=3)
    Study.objects.update(state="paused")
    call_command("loaddata", f"{tiny_bundle}/study.json", verbosity=0)
    study = Study.objects.get()
    assert study.state == "paused"
    assert study.bundle_digest
    assert sum(Trial.objects.values_list("assigned", flat=True)) == 10


@pytest.mark.django_db
def test_plain_loaddata_loads_the_study(tiny_bundle: str) -> None:
    for _ in range(2):
        call_command("loaddata", f"{tiny_bundle}/study.json", verbosity=0)
    assert (Study.objects.count(), Condition.objects.count(), Trial.objects.count()) == (1, 4, 12)
    assert Study.objects.get().state == "open"
