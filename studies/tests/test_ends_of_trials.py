"""How trials end for annotators before their share is answered, and what holds after the end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from studies.models import Assignment, Link, LinkUse, PageRecord, Participation, Response, Study, Trial, User
from studies.recruiting.selectors import places_free
from studies.services import Outcome, assignments_draw, enrol, response_record
from studies.services.protocols import protocol_set
from studies.services.quality import participation_exclude
from studies.services.recruitment import join_by_link
from studies.tests.flow_studies import (
    GOODBYE,
    TRIALS,
    add_protocol,
    answer_all,
    complete,
    fresh,
    step,
    walk_to_trials,
)
from studies.tests.test_next_assignments_api import answer, ask

CODES: dict[str, Any] = {"recruitment": {"code": {}}}
PLAIN = {"annotators_per_trial": 2, "undo": False}


def close(study: Study) -> None:
    Study.objects.filter(pk=study.pk).update(state="closed")


def give(assignment: Assignment, choice: str = "left", revision: int = 1, **answer: Any) -> Outcome:
    sent = {"uuid": uuid4(), "rt_ms": 900.0, "timing": {}, **answer}
    token, annotator = assignment.token, assignment.participation.annotator
    return response_record(annotator=annotator, token=token, revision=revision, choice=choice, **sent).outcome


@pytest.fixture
def cut_short(annotator_client: Client, participation: Participation) -> Participation:
    """Who has answered one trial and has nine in hand as the study is closed."""
    add_protocol(participation.study, **CODES)
    Participation.objects.update(source="prolific")
    walk_to_trials(annotator_client)
    answer(annotator_client, ask(annotator_client)["assignments"][0]["token"])
    close(participation.study)
    return participation


def test_who_is_cut_short_by_the_end_of_the_study_goes_on_to_the_pages_after_the_trials_and_gets_the_code(
    annotator_client: Client, cut_short: Participation
) -> None:
    page = step(annotator_client)["step"]["page"]
    assert page["key"] == "goodbye"
    assert complete(annotator_client, page).json()["step"]["outcome"] == "completed"
    assert fresh(cut_short).completion_code


def test_who_is_cut_short_returns_the_trials_in_hand(annotator_client: Client, cut_short: Participation) -> None:
    step(annotator_client)
    assert not Assignment.objects.filter(state="live").exists()
    assert sum(Trial.objects.values_list("assigned", flat=True)) == 1


def test_an_answer_that_was_on_its_way_as_the_study_was_closed_counts(
    annotator_client: Client, cut_short: Participation
) -> None:
    late = Assignment.objects.filter(state="live").latest("position")
    step(annotator_client)
    assert give(late) is Outcome.STORED
    assert sum(Trial.objects.values_list("assigned", flat=True)) == 2


def test_who_was_given_trials_and_answered_none_leaves_none_in_hand(
    annotator_client: Client, participation: Participation
) -> None:
    add_protocol(participation.study, **CODES)
    Participation.objects.update(source="open")
    walk_to_trials(annotator_client)
    ask(annotator_client)
    close(participation.study)
    assert step(annotator_client)["step"]["outcome"] == "over_quota"
    assert set(Trial.objects.values_list("assigned", flat=True)) == {0}


@pytest.mark.parametrize(
    ("source", "state"), [("prolific", "over_quota"), ("open", "over_quota"), ("account", "active")]
)
def test_who_comes_to_the_trials_of_a_closed_study_is_sent_back_but_not_those_with_accounts(
    annotator_client: Client, participation: Participation, source: str, state: str
) -> None:
    add_protocol(participation.study, **CODES)
    Participation.objects.update(source=source)
    walk_to_trials(annotator_client)
    close(participation.study)
    step(annotator_client)
    assert fresh(participation).state == state


def test_a_paused_study_ends_nothing(annotator_client: Client, participation: Participation) -> None:
    add_protocol(participation.study, **CODES)
    Participation.objects.update(source="prolific")
    walk_to_trials(annotator_client)
    ask(annotator_client)
    Study.objects.update(state="paused")
    answer_all(annotator_client)
    assert step(annotator_client)["step"] == {"kind": "trials"}


def test_who_is_given_fewer_trials_is_not_held_to_the_time_for_all(
    annotator_client: Client, participation: Participation
) -> None:
    rule = {"rule": "total_seconds", "limit": 3600, "action": "exclude"}
    add_protocol(participation.study, TRIALS, quality=[rule], trials=PLAIN)
    Trial.objects.filter(pk__in=Trial.objects.values("pk")[:9]).update(assigned=2)
    step(annotator_client)
    answer_all(annotator_client)
    step(annotator_client)
    assert fresh(participation).state == "completed"


def test_who_is_given_all_trials_is_held_to_the_time_for_all(
    annotator_client: Client, participation: Participation
) -> None:
    rule = {"rule": "total_seconds", "limit": 3600, "action": "exclude"}
    add_protocol(participation.study, TRIALS, quality=[rule], trials=PLAIN)
    step(annotator_client)
    answer_all(annotator_client)
    step(annotator_client)
    assert fresh(participation).state == "failed_checks"


def test_the_last_answer_ends_the_trials_also_where_the_browser_asks_for_no_step(
    annotator_client: Client, participation: Participation
) -> None:
    rule = {"rule": "fast_share", "limit": 0.5, "fast_ms": 950, "action": "exclude"}
    add_protocol(participation.study, TRIALS, GOODBYE, quality=[rule], trials=PLAIN)
    step(annotator_client)
    assignments = ask(annotator_client, count=3)["assignments"]
    while assignments:
        body = {"uuid": str(uuid4()), "revision": 1, "choice": "left", "rt_ms": 900.0, "next": 3}
        address = reverse("responses", args=[assignments[0]["token"]])
        reply = annotator_client.post(address, body, content_type="application/json").json()
        assignments = reply["assignments"]
    assert PageRecord.objects.get(participation=participation).kind == "trials"
    assert reply["participation_state"] == "failed_checks"
    assert set(Trial.objects.values_list("assigned", flat=True)) == {0}


def test_the_last_answer_can_still_be_taken_back_where_the_protocol_allows_it(
    annotator_client: Client, participation: Participation
) -> None:
    add_protocol(participation.study, TRIALS, GOODBYE)
    step(annotator_client)
    answer_all(annotator_client)
    last = Assignment.objects.latest("answered_at")
    assert give(last, "right", revision=2) is Outcome.STORED


def test_no_answer_is_changed_after_the_pages_that_follow_the_trials_have_begun(
    annotator_client: Client, participation: Participation
) -> None:
    add_protocol(participation.study, TRIALS, GOODBYE)
    step(annotator_client)
    answer_all(annotator_client)
    assert step(annotator_client)["step"]["page"]["key"] == "goodbye"
    last = Assignment.objects.latest("answered_at")
    assert give(last, "right", revision=2) is Outcome.FINAL


def test_who_was_excluded_on_the_way_leaves_no_more_answers(
    annotator_client: Client, participation: Participation
) -> None:
    add_protocol(participation.study)
    walk_to_trials(annotator_client)
    first, second, *_ = assignments_draw(participation=fresh(participation), count=3)
    uuid = uuid4()
    assert give(first, uuid=uuid) is Outcome.STORED
    participation_exclude(fresh(participation), "by hand")
    assert give(second) is Outcome.ENDED
    assert give(first, uuid=uuid) is Outcome.STORED_BEFORE
    assert Response.objects.count() == 1


def test_trials_that_are_not_asked_any_more_take_none_from_the_share(
    annotator_client: Client, participation: Participation
) -> None:
    study = participation.study
    trials = "[[pages]]\nkind = 'trials'\n[trials]\nannotators_per_trial = 2\n"
    protocol_set(study=study, text=trials + "[catch]\nshare = 0.25\nmake = 3\n", name="one.toml")
    step(annotator_client)
    for assignment in ask(annotator_client, count=10)["assignments"]:
        answer(annotator_client, assignment["token"])
    assert Assignment.objects.filter(kind="catch", state="answered").count() > 0
    protocol_set(study=study, text=trials, name="two.toml", reason="No catch trials.")
    answer_all(annotator_client)
    step(annotator_client)
    assert Assignment.objects.filter(kind="main", state="answered").count() == 12
    assert not Assignment.objects.filter(state="live").exists()


@pytest.fixture
def with_one_place(participation: Participation) -> Participation:
    """Someone who came by an open link to a study of one place."""
    add_protocol(participation.study, recruitment={"places": 1, "live_hours": 1, "code": {}}, trials=PLAIN)
    Participation.objects.update(source="open", last_seen_at=timezone.now())
    return fresh(participation)


def test_who_has_answered_everything_keeps_the_place_without_having_read_the_last_page(
    annotator_client: Client, with_one_place: Participation
) -> None:
    walk_to_trials(annotator_client)
    answer_all(annotator_client)
    Participation.objects.update(last_seen_at=timezone.now() - timedelta(days=2))
    assert places_free(with_one_place.study) == 0


def left_for_a_day_while_another_came(participation: Participation, other: Participation) -> None:
    Participation.objects.filter(pk=participation.pk).update(last_seen_at=timezone.now() - timedelta(days=1))
    protocol = fresh(participation).protocol
    Participation.objects.filter(pk=other.pk).update(
        state="completed", source="open", protocol=protocol, last_seen_at=timezone.now()
    )


@pytest.fixture
def other(participation: Participation, new_user: Callable[..., User]) -> Participation:
    return enrol(study=participation.study, annotator=new_user("other"))


def test_a_tab_left_open_takes_no_place_that_went_to_another(
    annotator_client: Client, with_one_place: Participation, other: Participation
) -> None:
    walk_to_trials(annotator_client)
    ask(annotator_client)
    left_for_a_day_while_another_came(with_one_place, other)
    assert step(annotator_client)["step"]["outcome"] == "over_quota"
    assert set(Trial.objects.values_list("assigned", flat=True)) == {0}
    assert not Assignment.objects.filter(state="live").exists()


def test_who_has_answered_trials_goes_on_after_any_time(
    annotator_client: Client, with_one_place: Participation, other: Participation
) -> None:
    walk_to_trials(annotator_client)
    answer(annotator_client, ask(annotator_client)["assignments"][0]["token"])
    left_for_a_day_while_another_came(with_one_place, other)
    assert step(annotator_client)["step"] == {"kind": "trials"}


def test_the_trials_of_someone_whose_place_went_to_another_go_back_at_the_door_as_well(
    annotator_client: Client, with_one_place: Participation, other: Participation
) -> None:
    walk_to_trials(annotator_client)
    ask(annotator_client)
    link = Link.objects.create(study=with_one_place.study, kind="invitation", quota=1)
    LinkUse.objects.create(link=link, participation=with_one_place, number=1)
    left_for_a_day_while_another_came(with_one_place, other)
    assert join_by_link(token=link.token).state == "over_quota"
    assert set(Trial.objects.values_list("assigned", flat=True)) == {0}
