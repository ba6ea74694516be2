"""Practice rounds as they are drawn, and places that go back to the pool."""

from collections import Counter
from collections.abc import Callable

import pytest
from pytest_django import DjangoAssertNumQueries

from studies.draws.sides import expected_slot
from studies.models import Assignment, Participation, Trial, User
from studies.selectors import live_assignments, progress_get
from studies.services import assignments_draw, enrol, protocol_set
from studies.services.places import places_return, practice_draw
from studies.tests.flow_studies import fresh

PROTOCOL = """
[[pages]]
kind = "practice"
title = "Practice"
make = {make}

[[pages]]
kind = "trials"

[trials]
annotators_per_trial = 2
"""


@pytest.fixture
def practising(participation: Participation) -> Participation:
    protocol = protocol_set(study=participation.study, text=PROTOCOL.format(make=6), name="protocol.toml")
    Participation.objects.update(protocol=protocol)
    return fresh(participation)


def test_a_round_has_all_practice_trials_and_is_drawn_once(practising: Participation) -> None:
    first = practice_draw(practising, 1)
    assert practice_draw(practising, 1) == first
    assert [one.position for one in first] == [1, 2, 3, 4, 5, 6]
    assert {one.trial_id for one in first} == set(Trial.objects.filter(kind="practice").values_list("pk", flat=True))


def test_rounds_differ_in_order_and_right_answers_are_on_both_sides(practising: Participation) -> None:
    rounds = [practice_draw(practising, number) for number in (1, 2, 3)]
    assert len({tuple(one.trial_id for one in drawn) for drawn in rounds}) == 3
    for drawn in rounds:
        slots = Counter(expected_slot(one.side, one.trial.expected) for one in drawn)
        assert slots == {"left": 3, "right": 3}


def test_rounds_follow_from_seed_and_code(practising: Participation) -> None:
    def drawn() -> list[tuple[str, str]]:
        return [(one.trial.key, one.side) for one in practice_draw(practising, 1)]

    before = drawn()
    Assignment.objects.all().delete()
    assert drawn() == before
    Assignment.objects.all().delete()
    Participation.objects.update(code="A77")
    assert drawn() != before


def test_later_rounds_keep_the_trials_of_the_first_when_the_protocol_changes(practising: Participation) -> None:
    first = practice_draw(practising, 1)
    Trial.objects.filter(kind="practice").update(is_retired=True)
    pair, study = first[0].trial.pair, practising.study
    Trial.objects.create(study=study, key="newer", pair=pair, kind="practice", expected="original")
    second = practice_draw(practising, 2)
    assert {one.trial_id for one in second} == {one.trial_id for one in first}


def test_practice_takes_no_place_and_is_no_progress(practising: Participation) -> None:
    practice_draw(practising, 1)
    assert not Trial.objects.filter(assigned__gt=0).exists()
    assert progress_get(practising).as_dict() == {"answered": 0, "total": 12}
    assert live_assignments(practising) == []
    drawn = assignments_draw(participation=practising, count=3)
    assert [(one.position, one.kind) for one in drawn] == [(1, "main"), (2, "main"), (3, "main")]


def test_an_unfinished_practice_outlives_its_time(practising: Participation, new_user: Callable[..., User]) -> None:
    first = practice_draw(practising, 1)
    Assignment.objects.update(expires_at=practising.created_at)
    other = enrol(study=practising.study, annotator=new_user("other"))
    assignments_draw(participation=other, count=1)
    assert {one.state for one in practice_draw(practising, 1)} == {"live"}
    assert practice_draw(practising, 1) == first


def test_a_round_that_is_there_takes_few_queries(
    practising: Participation, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    practice_draw(practising, 1)
    with django_assert_max_num_queries(5):
        assert all(one.trial.pair.target for one in practice_draw(practising, 1))


def test_returned_places_are_there_for_others_at_once(
    participation: Participation, new_user: Callable[..., User]
) -> None:
    Trial.objects.exclude(key="00003").update(assigned=2)
    Trial.objects.filter(key="00003").update(assigned=1)
    assert len(assignments_draw(participation=participation, count=3)) == 1
    other = enrol(study=participation.study, annotator=new_user("other"))
    assert assignments_draw(participation=other, count=3) == []
    assert places_return(participation) == 1
    assert [one.trial.key for one in assignments_draw(participation=other, count=3)] == ["00003"]
