"""Who may run which study."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404
from pytest_django import DjangoAssertNumQueries

from studies.models import Collaborator, Study, User
from studies.roles import may_manage, studies_for, study_for
from studies.services import copy_study

NewUser = Callable[..., User]


@pytest.fixture
def researcher(new_user: NewUser) -> User:
    user = new_user("researcher")
    user.is_staff = True
    user.save()
    return user


def test_a_researcher_has_the_studies_that_they_own_or_share(tiny_study: Study, researcher: User) -> None:
    shared = copy_study(study=tiny_study, slug="shared")
    copy_study(study=tiny_study, slug="foreign")
    Study.objects.filter(slug="tiny").update(owner=researcher)
    Collaborator.objects.create(study=shared, user=researcher)
    assert {study.slug for study in studies_for(researcher)} == {"tiny", "shared"}


def test_a_study_without_an_owner_is_the_admins_alone(tiny_study: Study, researcher: User, new_user: NewUser) -> None:
    assert not may_manage(researcher, tiny_study)
    assert may_manage(new_user("admin", is_admin=True), tiny_study)


def test_someone_who_is_no_longer_staff_has_no_study(tiny_study: Study, researcher: User) -> None:
    Study.objects.update(owner=researcher)
    Collaborator.objects.create(study=tiny_study, user=researcher)
    researcher.is_staff = False
    assert not studies_for(researcher).exists()
    assert not may_manage(researcher, Study.objects.get())


def test_someone_who_is_not_active_has_no_study(tiny_study: Study, new_user: NewUser) -> None:
    admin = new_user("admin", is_admin=True)
    admin.is_active = False
    assert not studies_for(admin).exists()
    assert not may_manage(admin, tiny_study)


def test_someone_who_is_not_logged_in_has_no_study(tiny_study: Study) -> None:
    assert not studies_for(AnonymousUser()).exists()
    assert not may_manage(AnonymousUser(), tiny_study)


def test_a_study_of_others_is_not_told_from_one_that_does_not_exist(tiny_study: Study, researcher: User) -> None:
    for slug in ("tiny", "nowhere"):
        with pytest.raises(Http404, match="there is no such study among yours"):
            study_for(researcher, slug)


def test_the_studies_of_a_collaborator_are_one_query(
    tiny_study: Study, researcher: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Collaborator.objects.create(study=tiny_study, user=researcher)
    with django_assert_num_queries(1):
        assert [study.slug for study in studies_for(researcher)] == ["tiny"]
