"""Who is given which trial, in which order, and on which side."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from studies.models import Assignment, Participation, Study, Trial, User
from studies.services import assignments_draw, enrol, load_bundle, response_record
from studies.tests.bundles import write_bundle

NewUser = Callable[..., User]
DrawAll = Callable[[Participation], list[Assignment]]


def answer(assignment: Assignment) -> None:
    annotator, token = assignment.participation.annotator, assignment.token
    response_record(annotator=annotator, token=token, uuid=uuid4(), revision=1, choice="left", rt_ms=500, timing={})


def draw_all(participation: Participation) -> list[Assignment]:
    """Answer everything that the annotator is given; return the assignments in order."""
    while assignments := assignments_draw(participation=participation, count=5):
        for assignment in assignments:
            answer(assignment)
    mine = Assignment.objects.filter(participation=participation).select_related("trial__pair")
    return list(mine.order_by("position"))


def enrol_many(study: Study, new_user: NewUser, number: int) -> list[Participation]:
    return [enrol(study=study, annotator=new_user(f"user{place}")) for place in range(number)]


def expire(participation: Participation) -> None:
    past = timezone.now() - timedelta(minutes=1)
    Assignment.objects.filter(participation=participation, state="live").update(expires_at=past)


def test_an_annotator_gets_every_trial_once(participation: Participation) -> None:
    drawn = draw_all(participation)
    assert sorted(assignment.trial.key for assignment in drawn) == [f"{number:05}" for number in range(12)]
    assert [assignment.position for assignment in drawn] == list(range(1, 13))


def test_open_assignments_are_given_again_until_they_are_answered(participation: Participation) -> None:
    first = assignments_draw(participation=participation, count=3)
    assert assignments_draw(participation=participation, count=3) == first
    answer(first[0])
    assert assignments_draw(participation=participation, count=2) == first[1:]


def test_each_trial_gets_its_wanted_number_of_annotators_and_no_more(tiny_study: Study, new_user: NewUser) -> None:
    given = [len(draw_all(participation)) for participation in enrol_many(tiny_study, new_user, 3)]
    assert given == [12, 12, 0]
    assert set(Trial.objects.values_list("assigned", flat=True)) == {2}


def test_the_least_filled_trials_come_first(tmp_path: Path, db: None, new_user: NewUser) -> None:
    study = load_bundle(folder=write_bundle(tmp_path / "b", slug="part", images=6, trials_per_annotator=12)).study
    annotators = enrol_many(study, new_user, 4)
    for participation in annotators[:2]:
        draw_all(participation)
    assert set(Trial.objects.values_list("assigned", flat=True)) == {1}
    for participation in annotators[2:]:
        draw_all(participation)
    assert set(Trial.objects.values_list("assigned", flat=True)) == {2}


def test_an_annotator_gets_no_more_trials_than_the_study_says(participation: Participation) -> None:
    Study.objects.update(trials_per_annotator=7)
    participation.study.refresh_from_db()
    assert len(draw_all(participation)) == 7


def test_conditions_take_turns(participation: Participation) -> None:
    conditions = [assignment.trial.pair.condition_id for assignment in draw_all(participation)]
    for start in range(0, 12, 4):
        assert len(set(conditions[start : start + 4])) == 4


def test_an_image_does_not_come_twice_in_a_row(tiny_study: Study, new_user: NewUser) -> None:
    for participation in enrol_many(tiny_study, new_user, 2):
        images = [assignment.trial.pair.image_id for assignment in draw_all(participation)]
        # The very last trials may leave no choice.
        assert all(before != after for before, after in pairwise(images[:9]))


def test_annotators_get_different_orders(tiny_study: Study, new_user: NewUser) -> None:
    first, second = (
        [assignment.trial_id for assignment in draw_all(participation)]
        for participation in enrol_many(tiny_study, new_user, 2)
    )
    assert first != second


def test_order_and_sides_follow_from_seed_and_codes_alone(tmp_path: Path, db: None, new_user: NewUser) -> None:
    def session(name: str, seed: int) -> list[tuple[str, str]]:
        study = load_bundle(folder=write_bundle(tmp_path / name, slug=name, seed=seed)).study
        drawn = draw_all(enrol(study=study, annotator=new_user(name), code="A07"))
        return [(assignment.trial.key, assignment.side) for assignment in drawn]

    first = session("first", 1)
    assert session("again", 1) == first
    other = session("other", 2)
    assert [key for key, _ in other] != [key for key, _ in first]
    assert dict(other) != dict(first)


def test_sides_are_balanced_over_the_annotators_of_a_trial(tiny_study: Study, new_user: NewUser) -> None:
    for participation in enrol_many(tiny_study, new_user, 2):
        draw_all(participation)
    sides = Counter(Assignment.objects.values_list("trial_id", "side"))
    assert set(sides.values()) == {1}
    assert len(sides) == 24


def test_the_first_annotator_sees_finetuned_maps_on_both_sides(tmp_path: Path, db: None, new_user: NewUser) -> None:
    study = load_bundle(folder=write_bundle(tmp_path / "b", slug="wide", images=20)).study
    sides = Counter(assignment.side for assignment in draw_all(enrol(study=study, annotator=new_user())))
    assert sides.total() == 80
    assert 25 <= sides["left"] <= 55


def test_sides_are_balanced_within_each_condition_of_an_annotator(tmp_path: Path, db: None, new_user: NewUser) -> None:
    study = load_bundle(folder=write_bundle(tmp_path / "b", slug="wide", images=11)).study
    for participation in enrol_many(study, new_user, 2):
        drawn = draw_all(participation)
        sides = Counter((assignment.trial.pair.condition_id, assignment.side) for assignment in drawn)
        assert set(sides.values()) == {5, 6}
        assert len(sides) == 8
    per_trial = Counter(Assignment.objects.values_list("trial_id", "side"))
    assert set(per_trial.values()) == {1}


def test_a_trial_is_balanced_before_an_annotator(participation: Participation, new_user: NewUser) -> None:
    draw_all(participation)
    Assignment.objects.update(side="left")
    second = draw_all(enrol(study=participation.study, annotator=new_user("second")))
    assert {assignment.side for assignment in second} == {"right"}


@pytest.mark.parametrize("images", [6, 8])
def test_a_recurring_original_comes_only_after_all_others(
    tmp_path: Path, db: None, new_user: NewUser, images: int
) -> None:
    study = load_bundle(folder=write_bundle(tmp_path / "b", slug="wide", images=images)).study
    for participation in enrol_many(study, new_user, 2):
        originals = [assignment.trial.pair.original_id for assignment in draw_all(participation)]
        assert len(originals) == 4 * images
        assert len(set(originals[: 2 * images])) == 2 * images


def test_a_recurring_original_does_not_hold_up_the_turns_of_conditions(
    tmp_path: Path, db: None, new_user: NewUser
) -> None:
    # With five images, the last unseen originals are in conditions whose turn it is not.
    study = load_bundle(folder=write_bundle(tmp_path / "b", slug="odd", images=5)).study
    conditions = [a.trial.pair.condition_id for a in draw_all(enrol(study=study, annotator=new_user()))]
    assert all(len(set(conditions[start : start + 4])) == 4 for start in range(0, 20, 4))


@pytest.mark.parametrize("state", ["paused", "closed"])
def test_a_study_that_is_not_open_gives_out_nothing_new(participation: Participation, state: str) -> None:
    given = assignments_draw(participation=participation, count=3)
    Study.objects.update(state=state)
    assert assignments_draw(participation=participation, count=20)[:3] == given
    assert Assignment.objects.count() == 10


def test_assignments_that_outlived_their_time_go_back_to_the_pool(tiny_study: Study, new_user: NewUser) -> None:
    Study.objects.update(annotators_per_trial=1)
    early, late = enrol_many(tiny_study, new_user, 2)
    assignments_draw(participation=early, count=1)
    assert len(draw_all(late)) == 2
    expire(early)
    assert len(draw_all(late)) == 12
    assert set(Trial.objects.values_list("assigned", flat=True)) == {1}
    assert set(Assignment.objects.filter(participation=early).values_list("state", flat=True)) == {"released"}
    assert assignments_draw(participation=early, count=1) == []


def test_an_annotator_who_comes_back_late_goes_on_at_the_same_place(participation: Participation) -> None:
    before = assignments_draw(participation=participation, count=10)
    expire(participation)
    after = assignments_draw(participation=participation, count=10)
    assert [(a.token, a.position, a.side) for a in after] == [(a.token, a.position, a.side) for a in before]
    assert all(assignment.expires_at > timezone.now() for assignment in after)


def test_released_assignments_come_back_to_their_annotator_where_there_is_room(
    tiny_study: Study, new_user: NewUser
) -> None:
    early, late = enrol_many(tiny_study, new_user, 2)
    before = assignments_draw(participation=early, count=10)
    expire(early)
    assignments_draw(participation=late, count=1)
    assert set(Assignment.objects.filter(participation=early).values_list("state", flat=True)) == {"released"}
    assert assignments_draw(participation=early, count=10) == before
    draw_all(early)
    draw_all(late)
    assert set(Trial.objects.values_list("assigned", flat=True)) == {2}


def test_open_assignments_are_found_in_one_query(
    participation: Participation, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assignments_draw(participation=participation, count=3)
    with django_assert_num_queries(1):
        assignments = assignments_draw(participation=participation, count=3)
        assert all(assignment.trial.pair.target for assignment in assignments)


def test_a_draw_takes_as_many_queries_for_ten_trials_as_for_one(
    tmp_path: Path, db: None, new_user: NewUser, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    study = load_bundle(folder=write_bundle(tmp_path / "b", slug="wide", images=20)).study
    participation = enrol(study=study, annotator=new_user())
    with django_assert_max_num_queries(18):
        assert len(assignments_draw(participation=participation, count=20)) == 20
