"""Catch trials, repeats, blocks and previews as they are drawn from the database."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from studies.models import Assignment, Participation, Study, Trial, User
from studies.selectors import progress_get
from studies.selectors_protocol import current_protocol
from studies.services import assignments_draw, enrol, load_bundle, protocol_set, response_record
from studies.services.places import places_return
from studies.tests.bundles import write_bundle

NewUser = Callable[..., User]

PROTOCOL = """
[[pages]]
kind = "trials"

[trials]
annotators_per_trial = 2
{trials}

[catch]
share = 0.1
make = 6

[repeats]
share = 0.1
distance = 8
"""


@pytest.fixture
def checked_study(tmp_path: Path, db: None) -> Study:
    """60 trials in 4 conditions, of which an annotator gets 40, with 4 catch trials and 4 repeats."""
    return with_protocol(load_bundle(folder=write_bundle(tmp_path / "b", slug="checked", images=15)).study)


def with_protocol(study: Study, trials: str = "per_annotator = 40") -> Study:
    protocol_set(study=study, text=PROTOCOL.format(trials=trials), name="protocol.toml")
    study.refresh_from_db()
    return study


def join(study: Study, annotator: User, code: str | None = None, **fields: Any) -> Participation:
    made = enrol(study=study, annotator=annotator, code=code)
    Participation.objects.filter(pk=made.pk).update(protocol=current_protocol(study), **fields)
    return Participation.objects.select_related("study", "protocol").get(pk=made.pk)


def answer(assignment: Assignment, choice: str = "left") -> None:
    annotator, token = assignment.participation.annotator, assignment.token
    response_record(annotator=annotator, token=token, uuid=uuid4(), revision=1, choice=choice, rt_ms=500, timing={})


def all_of(participation: Participation, batch: int = 5, *, is_answered: bool = True) -> list[Assignment]:
    """Answer everything that the annotator is given, and return it in order."""
    while assignments := assignments_draw(participation=participation, count=batch):
        if not is_answered:
            break
        for assignment in assignments:
            answer(assignment)
    mine = Assignment.objects.filter(participation=participation).select_related("trial__pair", "repeat_of")
    return list(mine.order_by("position"))


def expire(participation: Participation) -> None:
    past = timezone.now() - timedelta(minutes=1)
    Assignment.objects.filter(participation=participation, state="live").update(expires_at=past)


def assigned() -> dict[str, int]:
    """Return how many places are taken, which the counted assignments bear out."""
    counted = Counter(
        Assignment.objects.filter(is_counted=True).exclude(state="released").values_list("trial__key", flat=True)
    )
    stored = dict(Trial.objects.values_list("key", "assigned"))
    assert stored == {key: counted[key] for key in stored}
    return stored


def test_an_annotator_gets_the_planned_number_of_each_kind(checked_study: Study, new_user: NewUser) -> None:
    drawn = all_of(join(checked_study, new_user()))
    assert Counter(assignment.kind for assignment in drawn) == {"main": 40, "catch": 4, "repeat": 4}
    assert [assignment.position for assignment in drawn] == list(range(1, 49))
    assert [assignment.is_counted for assignment in drawn] == [assignment.kind == "main" for assignment in drawn]


@pytest.mark.parametrize("code", ["A01", "A02", "A03", "A04", "A05"])
def test_checks_come_where_they_should(checked_study: Study, new_user: NewUser, code: str) -> None:
    drawn = all_of(join(checked_study, new_user(), code))
    assert drawn[0].kind == "main"
    catches = [assignment for assignment in drawn if assignment.kind == "catch"]
    assert len({assignment.trial_id for assignment in catches}) == 4
    assert all(assignment.trial.kind == "catch" for assignment in catches)
    for assignment in drawn:
        if assignment.kind == "repeat":
            earlier = assignment.repeat_of
            assert earlier is not None
            assert (earlier.kind, earlier.trial_id) == ("main", assignment.trial_id)
            assert assignment.position - earlier.position >= 8
            assert {assignment.side, earlier.side} == {"left", "right"}


def test_the_order_does_not_depend_on_how_it_is_asked_for(checked_study: Study, new_user: NewUser) -> None:
    orders = []
    for batch in (1, 3, 7, 20):
        participation = join(checked_study, new_user(f"user{batch}"), "A09")
        drawn = all_of(participation, batch)
        orders.append([(one.position, one.kind, one.trial.key, one.side) for one in drawn])
        places_return(participation)
        Participation.objects.filter(pk=participation.pk).update(code=f"gone{batch}")
    assert orders[0] == orders[1] == orders[2] == orders[3]


def test_sides_of_main_trials_stay_balanced_over_annotators(checked_study: Study, new_user: NewUser) -> None:
    for number in range(3):
        all_of(join(checked_study, new_user(f"user{number}")))
    assert set(assigned().values()) == {2, 0}
    sides = Counter(Assignment.objects.filter(kind="main").values_list("trial_id", "side"))
    assert set(sides.values()) == {1}


def test_checks_take_no_places(checked_study: Study, new_user: NewUser) -> None:
    all_of(join(checked_study, new_user()))
    assert sum(assigned().values()) == 40


def test_progress_counts_checks_without_telling_them(checked_study: Study, new_user: NewUser) -> None:
    participation = join(checked_study, new_user())
    assert progress_get(participation).as_dict() == {"answered": 0, "total": 48}
    all_of(participation)
    assert progress_get(participation).as_dict() == {"answered": 48, "total": 48}


def test_progress_ends_where_the_trials_run_out(checked_study: Study, new_user: NewUser) -> None:
    Trial.objects.filter(kind="main", key__gte="00020").update(assigned=2)
    participation = join(checked_study, new_user())
    kinds = Counter(assignment.kind for assignment in all_of(participation))
    assert kinds["main"] == 20
    assert 1 <= kinds["catch"] <= 3
    progress = progress_get(participation)
    assert progress.is_done
    assert progress.total == kinds.total()


def test_trials_that_come_free_bring_their_checks_along(checked_study: Study, new_user: NewUser) -> None:
    full = Trial.objects.filter(kind="main", key__gte="00020")
    full.update(assigned=2)
    participation = join(checked_study, new_user())
    all_of(participation)
    full.update(assigned=1)
    assert progress_get(participation).as_dict()["total"] == 48
    kinds = Counter(assignment.kind for assignment in all_of(participation))
    assert kinds == {"main": 40, "catch": 4, "repeat": 4}
    assert progress_get(participation).as_dict() == {"answered": 48, "total": 48}


def test_blocks_hold_one_condition_each_and_their_order_differs(checked_study: Study, new_user: NewUser) -> None:
    study = with_protocol(checked_study, 'per_annotator = 40\nconditions = "blocked"')
    orders = set()
    for number in range(1, 3):
        drawn = all_of(join(study, new_user(f"user{number}"), f"A{number:02}"))
        mains = [one.trial.pair.condition_id for one in drawn if one.kind == "main"]
        blocks = [(cell, len(list(block))) for cell, block in groupby(mains)]
        assert [size for _, size in blocks] == [10, 10, 10, 10]
        orders.add(tuple(cell for cell, _ in blocks))
    assert len(orders) == 2


def test_retired_trials_are_not_drawn(checked_study: Study, new_user: NewUser) -> None:
    retired = Trial.objects.filter(kind="catch", key__in=Trial.objects.filter(kind="catch").values("key")[:3])
    keys = set(retired.values_list("key", flat=True))
    Trial.objects.filter(key__in=keys).update(is_retired=True)
    drawn = {one.trial.key for one in all_of(join(checked_study, new_user())) if one.kind == "catch"}
    assert len(drawn) == 3
    assert not drawn & keys


def test_a_preview_counts_nothing(checked_study: Study, new_user: NewUser) -> None:
    drawn = all_of(join(checked_study, new_user(), is_preview=True))
    assert Counter(assignment.kind for assignment in drawn) == {"main": 40, "catch": 4, "repeat": 4}
    assert not any(assignment.is_counted for assignment in drawn)
    assert sum(assigned().values()) == 0


def test_a_preview_goes_on_in_a_full_study_and_leaves_sides_alone(checked_study: Study, new_user: NewUser) -> None:
    Trial.objects.filter(kind="main").update(assigned=2)
    assert len(all_of(join(checked_study, new_user("preview"), is_preview=True))) == 48
    Trial.objects.filter(kind="main").update(assigned=0)
    Assignment.objects.update(side="left")
    drawn = [one for one in all_of(join(checked_study, new_user(), "A02")) if one.kind == "main"]
    assert {assignment.side for assignment in drawn} == {"left", "right"}


@pytest.mark.parametrize("is_answered", [True, False])
def test_the_places_of_an_excluded_annotator_come_back(
    checked_study: Study, new_user: NewUser, *, is_answered: bool
) -> None:
    Study.objects.update(annotators_per_trial=1)
    out = join(checked_study, new_user("out"))
    all_of(out, is_answered=is_answered)
    held = 40 if is_answered else 10 - Assignment.objects.exclude(kind="main").count()
    assert places_return(out) == held
    assert sum(assigned().values()) == 0
    assert not Assignment.objects.filter(state="live").exists()
    assert places_return(out) == 0
    assert Counter(one.kind for one in all_of(join(checked_study, new_user("in"))))["main"] == 40
    assert max(assigned().values()) == 1


def test_whoever_is_not_active_is_given_nothing(checked_study: Study, new_user: NewUser) -> None:
    participation = join(checked_study, new_user())
    assignments_draw(participation=participation, count=3)
    Participation.objects.update(state="failed_checks")
    assert assignments_draw(participation=participation, count=20) == []


def test_expired_checks_come_back_with_their_trials(checked_study: Study, new_user: NewUser) -> None:
    early, late = join(checked_study, new_user("early")), join(checked_study, new_user("late"))
    for assignment in assignments_draw(participation=early, count=3):
        answer(assignment)
    before = assignments_draw(participation=early, count=20)
    assert {assignment.kind for assignment in before} == {"main", "catch", "repeat"}
    expire(early)
    assignments_draw(participation=late, count=1)
    assert not Assignment.objects.filter(participation=early, state="live").exists()
    assert assigned()
    assert assignments_draw(participation=early, count=20) == before
    assert Counter(one.kind for one in all_of(early)) == {"main": 40, "catch": 4, "repeat": 4}


def test_a_repeat_does_not_come_back_without_its_trial(checked_study: Study, new_user: NewUser) -> None:
    Study.objects.update(annotators_per_trial=1)
    early, late = join(checked_study, new_user("early")), join(checked_study, new_user("late"))
    assignments_draw(participation=early, count=20)
    expire(early)
    all_of(late)
    drawn = all_of(early)
    answered = [one for one in drawn if one.state == "answered"]
    assert answered[0].kind == "main"
    assert all(one.repeat_of is None or one.repeat_of.state == "answered" for one in answered)
    assert progress_get(early).is_done
    assert max(assigned().values()) == 1


def test_a_draw_with_checks_takes_few_queries_more(
    checked_study: Study, new_user: NewUser, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    participation = join(checked_study, new_user())
    with django_assert_max_num_queries(21):
        assert len(assignments_draw(participation=participation, count=20)) == 20


def told_by_headers(reply: HttpResponseBase) -> tuple[tuple[str, str], ...]:
    """All headers but the number of the request, which is drawn anew for each."""
    return tuple(sorted(item for item in reply.headers.items() if item[0] != "X-Request-ID"))


def test_nothing_that_is_sent_tells_a_check_from_a_main_trial(
    checked_study: Study, new_user: NewUser, client: Client
) -> None:
    participation = join(checked_study, new_user(), started_at=timezone.now())
    client.force_login(participation.annotator)
    address = reverse("assignments_next", args=["checked"])
    shapes: dict[str, set[Any]] = {"main": set(), "catch": set(), "repeat": set()}
    kinds = dict(Assignment.objects.values_list("token", "kind"))
    while assignments := client.post(address, {"count": 20}, content_type="application/json").json()["assignments"]:
        kinds = dict(Assignment.objects.values_list("token", "kind"))
        for payload in assignments:
            pictures = [client.get(url) for url in payload["pictures"].values()]
            sent = {"uuid": str(uuid4()), "revision": 1, "choice": "left", "rt_ms": 700}
            reply = client.post(reverse("responses", args=[payload["token"]]), sent, content_type="application/json")
            body = reply.json()
            shapes[kinds[payload["token"]]].add(
                (
                    *payload,
                    *payload["pictures"],
                    len(json.dumps({**payload, "position": 0, "prediction": ""})),
                    payload["question"],
                    tuple(payload["options"]),
                    *((len(picture.content), told_by_headers(picture)) for picture in pictures),
                    (reply.status_code, json.dumps({**body, "progress": None})),
                )
            )
    assert shapes["main"] == shapes["catch"] == shapes["repeat"]
    assert len(shapes["main"]) == 1


def test_an_answer_to_a_check_takes_the_queries_of_any_answer(
    checked_study: Study, new_user: NewUser, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    participation = join(checked_study, new_user(), started_at=timezone.now())
    client.force_login(participation.annotator)
    assignments_draw(participation=participation, count=20)
    client.post(reverse("assignments_next", args=["checked"]), {}, content_type="application/json")
    for kind in ("main", "catch", "repeat"):
        assignment = Assignment.objects.filter(kind=kind).first()
        assert assignment is not None
        sent = {"uuid": str(uuid4()), "revision": 1, "choice": "left", "rt_ms": 700}
        with django_assert_num_queries(10):
            client.post(reverse("responses", args=[assignment.token]), sent, content_type="application/json")
