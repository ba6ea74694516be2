"""POST /api/v1/studies/<slug>/withdraw/, and what is left of someone who withdrew."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from studies.models import (
    Assignment,
    AuditEntry,
    ExternalIdentity,
    PageRecord,
    Participation,
    QualityFinding,
    Response,
    Trial,
    User,
)
from studies.services import enrol
from studies.services.withdrawal import participation_withdraw
from studies.tests.flow_studies import PAGES, add_protocol, answer_all, complete, fresh, step, walk_to_trials
from studies.tests.test_next_assignments_api import ADDRESS, ask

WITHDRAW = "/api/v1/studies/tiny/withdraw/"


def withdraw(client: Client, **body: Any) -> Any:
    reply = client.post(WITHDRAW, body, content_type="application/json")
    assert reply.status_code == 200, reply.content
    return reply.json()


@pytest.fixture
def in_trials(annotator_client: Client, participation: Participation) -> Participation:
    """Who has come to the trials, answered four and has some open."""
    add_protocol(participation.study)
    walk_to_trials(annotator_client)
    for assignment in ask(annotator_client, count=4)["assignments"]:
        body = {"uuid": str(uuid4()), "revision": 1, "choice": "left", "rt_ms": 912.0}
        address = reverse("responses", args=[assignment["token"]])
        assert annotator_client.post(address, body, content_type="application/json").status_code == 201
    return fresh(participation)


def everything() -> str:
    """Return every row of every table as text."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows.append(cursor.fetchall())
    return repr(rows)


def test_withdrawing_ends_the_participation_and_frees_its_places(
    annotator_client: Client, in_trials: Participation
) -> None:
    reply = withdraw(annotator_client)
    assert reply["step"] == {"kind": "finished", "outcome": "withdrawn", "url": "/studies/tiny/done/"}
    assert reply["participation_state"] == "withdrawn"
    assert set(Trial.objects.values_list("assigned", flat=True)) == {0}
    assert not Assignment.objects.filter(state="live").exists()


def test_without_a_wish_the_answers_are_kept(annotator_client: Client, in_trials: Participation) -> None:
    withdraw(annotator_client)
    assert Response.objects.count() == 4
    assert PageRecord.objects.count() == 3


def test_deletion_leaves_no_personal_data_in_any_table(annotator_client: Client, in_trials: Participation) -> None:
    Response.objects.filter(pk=Response.objects.latest("pk").pk).erase()
    answered = Assignment.objects.filter(state="answered").latest("position")
    secrets = {"reason": "TRACE because", "timing": {"viewport": "TRACE"}, "flags": ["TRACE"]}
    Response.objects.create(
        assignment=answered, revision=1, uuid=uuid4(), given="left", choice="original", rt_ms=1, **secrets
    )
    PageRecord.objects.create(
        participation=in_trials, key="more", kind="questionnaire", uuid=uuid4(), answers={"name": "TRACE"}
    )
    QualityFinding.objects.create(participation=in_trials, rule="TRACE", value=1, limit=0, action="flag")
    ExternalIdentity.objects.create(
        study=in_trials.study,
        participation=in_trials,
        service="prolific",
        digest="d" * 64,
        external_id="TRACE",
        external_study="TRACE",
        external_session="TRACE",
    )
    Participation.objects.update(excluded_because="TRACE")
    assert everything().count("TRACE") == 9
    withdraw(annotator_client, delete=True)
    assert "TRACE" not in everything()
    for model in (Response, Assignment, PageRecord, QualityFinding):
        assert not model._default_manager.exists()
    left = fresh(in_trials)
    assert (left.state, left.last_seen_at) == ("withdrawn", None)


def test_deletion_leaves_other_people_alone(
    annotator_client: Client, in_trials: Participation, new_user: Callable[..., User]
) -> None:
    other = Client()
    other.force_login(enrol(study=in_trials.study, annotator=new_user("other")).annotator)
    walk_to_trials(other)
    answer_all(other)
    before = list(Response.objects.filter(assignment__participation__annotator__username="other").values())
    withdraw(annotator_client, delete=True)
    assert list(Response.objects.values()) == before
    assert PageRecord.objects.count() == 3
    assert set(Trial.objects.values_list("assigned", flat=True)) == {1}


def test_the_audit_log_tells_that_someone_withdrew_and_nothing_personal(
    annotator_client: Client, in_trials: Participation
) -> None:
    withdraw(annotator_client, delete=True)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor) == ("participation_withdrawn", None)
    assert entry.detail == {"participation": "A01", "deleted": True}


def test_withdrawing_again_changes_nothing(annotator_client: Client, in_trials: Participation) -> None:
    for _time in range(2):
        withdraw(annotator_client, delete=True)
    assert AuditEntry.objects.count() == 1
    assert not Participation.objects.filter(last_seen_at__isnull=False).exists()


def test_deletion_can_be_asked_for_later(annotator_client: Client, in_trials: Participation) -> None:
    withdraw(annotator_client)
    withdraw(annotator_client, delete=True)
    assert not Response.objects.exists()
    assert list(AuditEntry.objects.order_by("pk").values_list("detail__deleted", flat=True)) == [False, True]


def test_one_can_withdraw_after_the_end_and_keeps_the_code(annotator_client: Client, in_trials: Participation) -> None:
    answer_all(annotator_client)
    complete(annotator_client, step(annotator_client)["step"]["page"])
    Participation.objects.update(completion_code="CODE")
    withdraw(annotator_client)
    left = fresh(in_trials)
    assert (left.state, left.completion_code) == ("withdrawn", "CODE")
    assert set(Trial.objects.values_list("assigned", flat=True)) == {0}


def test_nothing_is_given_out_or_taken_after_withdrawing(annotator_client: Client, in_trials: Participation) -> None:
    open_one = in_trials.assignments.filter(state="live")[0]
    withdraw(annotator_client)
    reply = annotator_client.post(ADDRESS, {}, content_type="application/json")
    assert (reply.status_code, reply.json()["code"]) == (409, "ended")
    body = {"uuid": str(uuid4()), "revision": 1, "choice": "left", "rt_ms": 912.0}
    reply = annotator_client.post(reverse("responses", args=[open_one.token]), body, content_type="application/json")
    assert (reply.status_code, reply.json()["code"]) == (409, "ended")
    assert Response.objects.count() == 4


def test_a_deleted_assignment_is_as_if_never_issued(annotator_client: Client, in_trials: Participation) -> None:
    open_one = in_trials.assignments.filter(state="live")[0]
    withdraw(annotator_client, delete=True)
    body = {"uuid": str(uuid4()), "revision": 1, "choice": "left", "rt_ms": 912.0}
    address = reverse("responses", args=[open_one.token])
    assert annotator_client.post(address, body, content_type="application/json").status_code == 404
    assert annotator_client.get(reverse("picture", args=[open_one.token, "left"])).status_code == 404


def test_the_places_of_someone_who_withdrew_go_to_others(
    annotator_client: Client, in_trials: Participation, new_user: Callable[..., User]
) -> None:
    in_trials.study.trials.update(assigned=2)
    participation_withdraw(participation=in_trials, delete=False)
    other = Client()
    other.force_login(enrol(study=in_trials.study, annotator=new_user("other")).annotator)
    walk_to_trials(other)
    # Ten had been drawn for the one who left.
    assert len(ask(other, count=12)["assignments"]) == 10


def test_a_prolific_participant_who_withdraws_gets_the_code_for_it(in_trials: Participation) -> None:
    prolific = {"completed": "GOOD", "withdrawn": "LEFT"}
    protocol = add_protocol(in_trials.study, *PAGES, recruitment={"prolific": prolific})
    Participation.objects.update(protocol=protocol, source="prolific")
    participation_withdraw(participation=in_trials, delete=True)
    assert in_trials.completion_code == "LEFT"


def test_those_who_take_no_part_get_404(in_trials: Participation, staff_client: Client) -> None:
    assert staff_client.post(WITHDRAW, {"delete": True}, content_type="application/json").status_code == 404
    assert Response.objects.count() == 4


def test_someone_elses_tab_withdraws_nobody(annotator_client: Client, in_trials: Participation) -> None:
    reply = annotator_client.post(
        WITHDRAW, {"delete": True}, content_type="application/json", headers={"X-Annotator": "0"}
    )
    assert reply.status_code == 403
    assert Response.objects.count() == 4


@pytest.mark.parametrize("delete", ["perhaps", [], None])
def test_an_unclear_wish_is_refused(annotator_client: Client, in_trials: Participation, delete: Any) -> None:
    reply = annotator_client.post(WITHDRAW, {"delete": delete}, content_type="application/json")
    assert (reply.status_code, list(reply.json())) == (400, ["delete"])
    assert fresh(in_trials).state == "active"
