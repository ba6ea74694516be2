"""POST /api/v1/studies/<slug>/pages/<key>/."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from studies.models import Assignment, ExternalIdentity, PageRecord, Participation, User
from studies.services import enrol
from studies.tests.flow_studies import (
    ABOUT_ME,
    ABOUT_YOU,
    CONSENT,
    GOODBYE,
    TRIALS,
    WELCOME,
    add_protocol,
    answer_all,
    complete,
    fresh,
    step,
    walk_to_trials,
)
from studies.tests.test_next_assignments_api import ADDRESS


@pytest.fixture
def with_pages(participation: Participation) -> Participation:
    """The participation of `annotator_client` in the tiny study, which now has the pages of `PAGES`."""
    add_protocol(participation.study)
    return participation


def page_of(client: Client) -> dict[str, Any]:
    page: dict[str, Any] = step(client)["step"]["page"]
    return page


def test_a_completed_page_is_stored_with_its_wording_and_answers_the_next_step(
    annotator_client: Client, with_pages: Participation
) -> None:
    page = page_of(annotator_client)
    reply = complete(annotator_client, page, {"accepted": True})
    assert reply.status_code == 201
    assert (reply.json()["code"], reply.json()["step"]["page"]["key"]) == ("stored", "welcome")
    record = PageRecord.objects.get()
    assert (record.key, record.kind, record.answers) == ("consent", "consent", {"accepted": True})
    assert (record.text_digest, record.shown_seconds) == (page["digest"], 3.5)


def test_the_same_page_sent_again_changes_nothing(annotator_client: Client, with_pages: Participation) -> None:
    page, uuid = page_of(annotator_client), str(uuid4())
    assert complete(annotator_client, page, {"accepted": True}, uuid=uuid).status_code == 201
    again = complete(annotator_client, page, {"accepted": True}, uuid=uuid)
    assert (again.status_code, again.json()["code"]) == (200, "stored_before")
    assert again.json()["step"]["page"]["key"] == "welcome"
    assert PageRecord.objects.count() == 1


@pytest.mark.parametrize("is_same_uuid", [True, False])
def test_a_page_cannot_be_replayed_with_other_answers(
    annotator_client: Client, participation: Participation, is_same_uuid: bool
) -> None:
    add_protocol(participation.study, ABOUT_YOU, TRIALS)
    page, uuid = page_of(annotator_client), str(uuid4())
    complete(annotator_client, page, ABOUT_ME, uuid=uuid)
    again = complete(annotator_client, page, {**ABOUT_ME, "age": 99}, uuid=uuid if is_same_uuid else str(uuid4()))
    assert (again.status_code, again.json()["code"]) == (409, "completed")
    assert PageRecord.objects.get().answers == ABOUT_ME


def test_a_declined_consent_cannot_be_turned_into_an_accepted_one(
    annotator_client: Client, with_pages: Participation
) -> None:
    page, uuid = page_of(annotator_client), str(uuid4())
    complete(annotator_client, page, {"accepted": False}, uuid=uuid)
    assert complete(annotator_client, page, {"accepted": True}, uuid=uuid).status_code == 409
    assert fresh(with_pages).state == "withdrawn"


@pytest.mark.parametrize("key", ["welcome", "about-you", "goodbye"])
def test_no_page_can_be_sent_before_the_consent(annotator_client: Client, with_pages: Participation, key: str) -> None:
    answers = ABOUT_ME if key == "about-you" else {}
    reply = complete(annotator_client, {"key": key, "digest": ""}, answers)
    assert (reply.status_code, reply.json()["code"]) == (409, "not_current")
    assert reply.json()["step"]["page"]["key"] == "consent"
    assert not PageRecord.objects.exists()


def test_trials_cannot_be_marked_as_answered_from_outside(annotator_client: Client, with_pages: Participation) -> None:
    walk_to_trials(annotator_client)
    reply = complete(annotator_client, {"key": "trials", "digest": ""})
    assert (reply.status_code, reply.json()["code"]) == (409, "not_current")
    assert not PageRecord.objects.filter(key="trials").exists()


def test_the_page_after_the_trials_cannot_be_sent_before_they_are_answered(
    annotator_client: Client, with_pages: Participation
) -> None:
    walk_to_trials(annotator_client)
    reply = complete(annotator_client, {"key": "goodbye", "digest": ""})
    assert (reply.status_code, reply.json()["step"]) == (409, {"kind": "trials"})


def test_no_trials_are_given_out_before_the_pages_ahead_of_them(
    annotator_client: Client, with_pages: Participation
) -> None:
    reply = annotator_client.post(ADDRESS, {"count": 3}, content_type="application/json")
    assert (reply.status_code, reply.json()["code"]) == (409, "pages_first")
    assert not Assignment.objects.exists()


def test_no_trials_are_given_out_after_the_end(annotator_client: Client, with_pages: Participation) -> None:
    walk_to_trials(annotator_client)
    answer_all(annotator_client)
    complete(annotator_client, page_of(annotator_client))
    reply = annotator_client.post(ADDRESS, {"count": 3}, content_type="application/json")
    assert (reply.status_code, reply.json()["code"]) == (409, "ended")
    assert reply.json()["participation_state"] == "completed"


def test_no_trials_are_given_out_once_their_end_is_recorded(
    annotator_client: Client, with_pages: Participation
) -> None:
    walk_to_trials(annotator_client)
    answer_all(annotator_client)
    step(annotator_client)
    assert annotator_client.post(ADDRESS, {}, content_type="application/json").json()["code"] == "ended"


def test_a_page_of_another_wording_is_refused(annotator_client: Client, with_pages: Participation) -> None:
    page = page_of(annotator_client)
    reply = complete(annotator_client, page, {"accepted": True}, digest="0" * 64)
    assert (reply.status_code, reply.json()["code"]) == (409, "changed")
    assert not PageRecord.objects.exists()


def test_a_consent_is_held_against_the_version_that_the_annotator_began_with(
    annotator_client: Client, with_pages: Participation
) -> None:
    page = page_of(annotator_client)
    add_protocol(with_pages.study, {**CONSENT, "markdown": "Something else."}, TRIALS)
    assert complete(annotator_client, page, {"accepted": True}).status_code == 201
    assert PageRecord.objects.get().text_digest == page["digest"]


def test_a_page_that_only_an_older_version_has_is_unknown(annotator_client: Client, with_pages: Participation) -> None:
    add_protocol(with_pages.study, WELCOME, TRIALS)
    step(annotator_client)
    reply = complete(annotator_client, {"key": "consent", "digest": ""}, {"accepted": True})
    assert reply.status_code == 404


def test_a_uuid_of_another_page_is_refused(annotator_client: Client, with_pages: Participation) -> None:
    uuid = str(uuid4())
    complete(annotator_client, page_of(annotator_client), {"accepted": True}, uuid=uuid)
    reply = complete(annotator_client, page_of(annotator_client), uuid=uuid)
    assert (reply.status_code, list(reply.json())) == (400, ["uuid"])
    assert PageRecord.objects.count() == 1


def test_a_uuid_of_someone_elses_page_is_refused(
    annotator_client: Client, with_pages: Participation, new_user: Callable[..., User]
) -> None:
    uuid = str(uuid4())
    complete(annotator_client, page_of(annotator_client), {"accepted": True}, uuid=uuid)
    other = Client()
    other.force_login(enrol(study=with_pages.study, annotator=new_user("other")).annotator)
    assert complete(other, page_of(other), {"accepted": True}, uuid=uuid).status_code == 400
    assert PageRecord.objects.get().participation == with_pages


def test_those_who_take_no_part_complete_nothing(with_pages: Participation, new_user: Callable[..., User]) -> None:
    client = Client()
    client.force_login(new_user("stranger"))
    reply = complete(client, {"key": "consent", "digest": ""}, {"accepted": True})
    assert reply.status_code == 404
    assert not PageRecord.objects.exists()


def test_someone_elses_tab_completes_nothing(annotator_client: Client, with_pages: Participation) -> None:
    page = page_of(annotator_client)
    body = {"uuid": str(uuid4()), "answers": {"accepted": True}, "digest": page["digest"]}
    reply = annotator_client.post(
        "/api/v1/studies/tiny/pages/consent/", body, content_type="application/json", headers={"X-Annotator": "0"}
    )
    assert (reply.status_code, reply.json()["code"]) == (403, "other_user")
    assert not PageRecord.objects.exists()


def test_a_post_without_csrf_token_completes_nothing(with_pages: Participation) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(with_pages.annotator)
    reply = complete(client, {"key": "consent", "digest": ""}, {"accepted": True})
    assert reply.status_code == 403


def test_a_page_cannot_be_left_before_its_least_time(annotator_client: Client, participation: Participation) -> None:
    add_protocol(participation.study, {**WELCOME, "least_seconds": 30}, TRIALS)
    page = page_of(annotator_client)
    assert page["least_seconds"] == 30
    # Whatever the browser says.
    reply = complete(annotator_client, page, shown_seconds=3600)
    assert reply.status_code == 400
    [told] = reply.json()["shown_seconds"]
    left = re.fullmatch(r"Please take your time: this page can be left in (\d+) s\.", told)
    # A second or more may have passed since it was given out.
    assert left is not None
    assert 15 < int(left[1]) <= 30
    Participation.objects.update(started_at=timezone.now() - timedelta(seconds=30))
    assert complete(annotator_client, page).status_code == 201


def test_the_least_time_does_not_run_before_the_page_was_given_out(
    annotator_client: Client, participation: Participation
) -> None:
    add_protocol(participation.study, CONSENT, {**WELCOME, "least_seconds": 30}, TRIALS)
    step(annotator_client)
    Participation.objects.update(started_at=timezone.now() - timedelta(hours=1))
    complete(annotator_client, page_of(annotator_client), {"accepted": True})
    assert complete(annotator_client, page_of(annotator_client)).status_code == 400


def test_asking_for_nothing_before_does_not_spare_the_least_time(
    annotator_client: Client, participation: Participation
) -> None:
    protocol = add_protocol(participation.study, {**WELCOME, "least_seconds": 30}, TRIALS)
    Participation.objects.update(protocol=protocol, created_at=timezone.now() - timedelta(days=1))
    digest = "9f60e46b9e6cca2c683131c69338e1f73f2b7134c79fd8880709cd46129a19a7"
    reply = complete(annotator_client, {"key": "welcome", "digest": digest})
    assert (reply.status_code, list(reply.json())) == (400, ["shown_seconds"])
    assert not PageRecord.objects.exists()


def test_declining_withdraws_and_keeps_nothing_but_the_fact(
    annotator_client: Client, with_pages: Participation
) -> None:
    ExternalIdentity.objects.create(
        study=with_pages.study, participation=with_pages, service="prolific", digest="d" * 64, external_id="5f3a"
    )
    reply = complete(annotator_client, page_of(annotator_client), {"accepted": False})
    assert reply.status_code == 201
    assert reply.json()["step"] == {"kind": "finished", "outcome": "withdrawn", "url": "/studies/tiny/done/"}
    record = PageRecord.objects.get()
    assert (record.answers, record.shown_seconds) == ({"accepted": False}, None)
    assert ExternalIdentity.objects.get().external_id == ""


def test_an_answer_that_screens_out_ends_the_participation(
    annotator_client: Client, participation: Participation
) -> None:
    add_protocol(participation.study, ABOUT_YOU, TRIALS)
    reply = complete(annotator_client, page_of(annotator_client), {"age": 30, "sight": "poor"})
    assert reply.json()["step"]["outcome"] == "screened_out"
    assert annotator_client.post(ADDRESS, {}, content_type="application/json").json()["code"] == "ended"


def test_screening_out_after_the_trials_leaves_the_answers_out_and_returns_their_places(
    annotator_client: Client, participation: Participation
) -> None:
    add_protocol(participation.study, TRIALS, ABOUT_YOU)
    step(annotator_client)
    answer_all(annotator_client)
    complete(annotator_client, page_of(annotator_client), {"age": 30, "sight": "poor"})
    ended = fresh(participation)
    assert (ended.state, ended.is_excluded) == ("screened_out", True)
    assert ended.excluded_because == "screened out by about-you.sight"
    assert set(participation.study.trials.values_list("assigned", flat=True)) == {0}


@pytest.mark.parametrize("key", ["consent", "goodbye"])
def test_nothing_can_be_sent_after_withdrawing(annotator_client: Client, with_pages: Participation, key: str) -> None:
    page_of(annotator_client)
    Participation.objects.update(state="withdrawn")
    answers = {"accepted": True} if key == "consent" else {}
    reply = complete(annotator_client, {"key": key, "digest": ""}, answers)
    assert (reply.status_code, reply.json()["code"]) == (409, "ended")
    assert not PageRecord.objects.exists()


def test_an_unknown_page_is_404(annotator_client: Client, with_pages: Participation) -> None:
    assert complete(annotator_client, {"key": "no-such-page", "digest": ""}).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"uuid": "not-a-uuid"}, "uuid"),
        ({"uuid": None}, "uuid"),
        ({"answers": [1, 2]}, "answers"),
        ({"answers": "accepted"}, "answers"),
        ({"answers": {"accepted": "yes"}}, "answers"),
        ({"answers": {"accepted": 1}}, "answers"),
        ({"answers": {}}, "answers"),
        ({"answers": {"accepted": True, "is_admin": True}}, "answers"),
        ({"answers": {"accepted": "\x00"}}, "answers"),
        ({"digest": "x" * 65}, "digest"),
        ({"shown_seconds": -1}, "shown_seconds"),
        ({"shown_seconds": "soon"}, "shown_seconds"),
    ],
)
def test_a_malformed_page_is_refused_by_field(
    annotator_client: Client, with_pages: Participation, body: dict[str, Any], field: str
) -> None:
    reply = complete(annotator_client, page_of(annotator_client), **{"answers": {"accepted": True}, **body})
    assert (reply.status_code, list(reply.json())) == (400, [field])
    assert not PageRecord.objects.exists()


def test_a_time_that_no_float_holds_is_refused(annotator_client: Client, with_pages: Participation) -> None:
    digest = page_of(annotator_client)["digest"]
    raw = f'{{"uuid": "{uuid4()}", "answers": {{"accepted": true}}, "digest": "{digest}", "shown_seconds": 1e999}}'
    reply = annotator_client.post("/api/v1/studies/tiny/pages/consent/", raw, content_type="application/json")
    assert reply.status_code == 400


def test_a_page_larger_than_64_kib_is_refused(annotator_client: Client, with_pages: Participation) -> None:
    reply = complete(annotator_client, page_of(annotator_client), {"accepted": True, "more": "x" * 70_000})
    assert reply.status_code == 413
    assert not PageRecord.objects.exists()


def test_a_page_can_be_sent_without_answers_to_its_optional_fields(
    annotator_client: Client, participation: Participation
) -> None:
    add_protocol(participation.study, ABOUT_YOU, TRIALS, GOODBYE)
    reply = complete(annotator_client, page_of(annotator_client), {**ABOUT_ME, "remarks": " "})
    assert reply.status_code == 201
    assert PageRecord.objects.get().answers == ABOUT_ME
