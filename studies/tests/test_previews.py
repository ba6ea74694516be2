"""A study as an annotator sees it, tried out by those who run it: nothing of it counts."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from studies.models import Assignment, PageRecord, Participation, Response, Study, Trial, User
from studies.services import assignments_draw, copy_study, enrol
from studies.services.lifecycle import ArchivedStudyError, LifecycleError, study_archive, study_set_state
from studies.services.previews import preview_start
from studies.tests.test_drawing import answer

NewUser = Callable[..., User]


@pytest.fixture
def researcher(new_user: NewUser) -> User:
    return new_user("researcher", is_admin=True)


def test_a_preview_is_marked_as_one(tiny_study: Study, researcher: User) -> None:
    preview = preview_start(study=tiny_study, actor=researcher)
    assert (preview.is_preview, preview.source, preview.state) == (True, "preview", "active")


def test_another_preview_starts_from_the_beginning(tiny_study: Study, researcher: User) -> None:
    first = preview_start(study=tiny_study, actor=researcher)
    answer(assignments_draw(participation=first, count=1)[0])
    PageRecord.objects.create(participation=first, key="consent", kind="consent", uuid="0" * 32)
    second = preview_start(study=tiny_study, actor=researcher)
    assert second.pk != first.pk
    assert list(Participation.objects.all()) == [second]
    assert not Response.objects.exists()
    assert not Assignment.objects.exists()
    assert not PageRecord.objects.exists()


def test_previews_take_no_places(tiny_study: Study, researcher: User) -> None:
    preview = preview_start(study=tiny_study, actor=researcher)
    for assignment in assignments_draw(participation=preview, count=12):
        answer(assignment)
    assert set(Trial.objects.values_list("assigned", flat=True)) == {0}
    preview_start(study=tiny_study, actor=researcher)
    assert set(Trial.objects.values_list("assigned", flat=True)) == {0}


def test_a_preview_does_not_settle_the_study(tiny_study: Study, researcher: User) -> None:
    preview = preview_start(study=tiny_study, actor=researcher)
    answer(assignments_draw(participation=preview, count=1)[0])
    assert not tiny_study.has_responses


def test_the_preview_of_one_leaves_that_of_another(tiny_study: Study, researcher: User, new_user: NewUser) -> None:
    for user in (researcher, new_user("colleague", is_admin=True), researcher):
        preview_start(study=tiny_study, actor=user)
    assert Participation.objects.filter(is_preview=True).count() == 2


def test_who_takes_part_keeps_their_answers(tiny_study: Study, researcher: User) -> None:
    participation = enrol(study=tiny_study, annotator=researcher)
    answer(assignments_draw(participation=participation, count=1)[0])
    with pytest.raises(LifecycleError, match="You take part in this study yourself, as A01"):
        preview_start(study=tiny_study, actor=researcher)
    assert Response.objects.count() == 1


@pytest.mark.parametrize("state", ["paused", "closed"])
def test_a_study_can_be_previewed_before_it_is_open_and_after(tiny_study: Study, researcher: User, state: str) -> None:
    study_set_state(study=tiny_study, state=state, actor=researcher)
    preview = preview_start(study=tiny_study, actor=researcher)
    drawn = assignments_draw(participation=preview, count=2)
    assert len(drawn) == 2
    answer(drawn[0])
    client = Client()
    client.force_login(researcher)
    url = reverse("assignments_next", args=["tiny"])
    reply = client.post(url, {"count": 1}, content_type="application/json").json()
    assert (reply["state"], len(reply["assignments"])) == ("open", 1)


def test_a_preview_ends_with_the_archive(tiny_study: Study, researcher: User) -> None:
    preview = preview_start(study=tiny_study, actor=researcher)
    study_archive(study=tiny_study, actor=researcher)
    assert assignments_draw(participation=Participation.objects.get(pk=preview.pk), count=2) == []


def test_a_simulated_study_has_no_preview(tiny_study: Study, researcher: User) -> None:
    copy = copy_study(study=tiny_study, slug="copy", is_simulated=True)
    with pytest.raises(LifecycleError, match="simulated"):
        preview_start(study=copy, actor=researcher)
    assert not Participation.objects.exists()


def test_an_archived_study_has_no_preview(tiny_study: Study, researcher: User) -> None:
    study_archive(study=tiny_study, actor=researcher)
    with pytest.raises(ArchivedStudyError):
        preview_start(study=tiny_study, actor=researcher)
