"""Annotators who found no trial left are told when there are trials for them again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from studies.models import Assignment, Participation, Study, User
from studies.selectors import Progress, progress_get, studies_of_annotator
from studies.services import assignments_draw, copy_study, enrol
from studies.tests.test_drawing import draw_all

NewUser = Callable[..., User]


@pytest.fixture
def finished(participation: Participation, new_user: NewUser) -> Participation:
    """`annotator`, who answered 2 of 12 trials and found no other left: `idle` holds the rest and does not answer."""
    Study.objects.update(annotators_per_trial=1)
    idle = enrol(study=participation.study, annotator=new_user("idle"))
    assignments_draw(participation=idle, count=1)
    assert len(draw_all(participation)) == 2
    participation.refresh_from_db()
    return participation


def seen_by(participation: Participation) -> Progress:
    """Return the progress, which is the same in the list and by itself."""
    row = studies_of_annotator(participation.annotator)[0]
    assert progress_get(Participation.objects.select_related("study").get(pk=participation.pk)) == row.progress
    return row.progress


def expire_others(participation: Participation) -> None:
    past = timezone.now() - timedelta(minutes=1)
    Assignment.objects.exclude(participation=participation).update(expires_at=past)


def test_an_annotator_without_further_trials_is_done(finished: Participation) -> None:
    assert seen_by(finished) == Progress(2, 2)


def test_places_that_expired_are_offered_and_given(finished: Participation) -> None:
    expire_others(finished)
    assert seen_by(finished) == Progress(2, 12, waiting=10)
    assert len(draw_all(finished)) == 12
    assert seen_by(finished) == Progress(12, 12)


def test_places_that_went_back_to_the_pool_are_offered(finished: Participation, new_user: NewUser) -> None:
    expire_others(finished)
    assignments_draw(participation=enrol(study=finished.study, annotator=new_user("third")), count=1)
    assert seen_by(finished).waiting == 0
    Assignment.objects.filter(participation__annotator__username="third").update(
        expires_at=timezone.now() - timedelta(minutes=1)
    )
    assert seen_by(finished).waiting == 10


def test_a_study_that_wants_more_annotators_offers_its_trials(finished: Participation) -> None:
    Study.objects.update(annotators_per_trial=2)
    assert seen_by(finished) == Progress(2, 12, waiting=10)


@pytest.mark.parametrize(("limit", "total"), [(2, 2), (5, 5), (1, 2), (40, 12)])
def test_no_more_is_offered_than_an_annotator_may_have(finished: Participation, limit: int, total: int) -> None:
    Study.objects.update(annotators_per_trial=2, trials_per_annotator=limit)
    assert seen_by(finished) == Progress(2, total, waiting=total - 2)
    assert len(draw_all(finished)) == total


@pytest.mark.parametrize("state", ["paused", "closed"])
def test_a_study_that_is_not_open_offers_nothing(finished: Participation, state: str) -> None:
    Study.objects.update(annotators_per_trial=2, state=state)
    assert seen_by(finished) == Progress(2, 2)


@pytest.mark.parametrize("name", ["home", "done"])
def test_the_pages_say_that_trials_wait_and_lead_there(
    finished: Participation, annotator_client: Client, name: str
) -> None:
    address = reverse(name, args=[] if name == "home" else ["tiny"])
    link = f'href="{reverse("runner", args=["tiny"])}"'
    page = annotator_client.get(address).content.decode()
    assert "More trials are waiting" not in page
    assert link not in page
    Study.objects.update(annotators_per_trial=2)
    page = annotator_client.get(address).content.decode()
    assert "More trials are waiting" in page
    assert link in page


def test_the_list_takes_one_query_however_many_studies_have_trials_again(
    finished: Participation, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3):
        copy = copy_study(study=finished.study, slug=f"copy-{number}")
        draw_all(enrol(study=copy, annotator=finished.annotator))
    Study.objects.update(annotators_per_trial=2)
    with django_assert_num_queries(1):
        rows = studies_of_annotator(finished.annotator)
    assert {row.study.slug: row.progress.waiting for row in rows} == {
        "tiny": 10,
        "copy-0": 0,
        "copy-1": 0,
        "copy-2": 0,
    }
