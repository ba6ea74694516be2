"""What researchers see of studies that are not theirs: nothing. And Django's admin is for admins."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from studies.models import Collaborator, Participation, Picture, Study, Trial, User
from studies.services import assignments_draw

NewUser = Callable[..., User]


@pytest.fixture
def researcher(new_user: NewUser) -> User:
    user = new_user("researcher")
    user.is_staff = True
    user.save()
    return user


@pytest.fixture
def researcher_client(researcher: User) -> Client:
    client = Client()
    client.force_login(researcher)
    return client


def pages_of(participation: Participation) -> list[str]:
    token = assignments_draw(participation=participation, count=1)[0].token
    return [
        reverse("report", args=[participation.study.slug]),
        reverse("picture", args=[token, "left"]),
        reverse("stored_picture", args=[Picture.objects.order_by("pk")[0].digest]),
    ]


def test_a_study_of_others_is_hidden_from_a_researcher(researcher_client: Client, participation: Participation) -> None:
    assert [researcher_client.get(page).status_code for page in pages_of(participation)] == [404, 404, 404]


def test_an_owner_sees_their_study(researcher: User, researcher_client: Client, participation: Participation) -> None:
    Study.objects.update(owner=researcher)
    assert [researcher_client.get(page).status_code for page in pages_of(participation)] == [200, 200, 200]


def test_a_collaborator_sees_the_study_until_removed(
    researcher: User, researcher_client: Client, participation: Participation
) -> None:
    collaborator = Collaborator.objects.create(study=participation.study, user=researcher)
    pages = pages_of(participation)
    assert [researcher_client.get(page).status_code for page in pages] == [200, 200, 200]
    collaborator.delete()
    assert [researcher_client.get(page).status_code for page in pages] == [404, 404, 404]


@pytest.mark.parametrize("column", ["images", "pairs_as_original", "pairs_as_finetuned"])
def test_each_kind_of_stored_picture_is_shown_to_the_owner(
    researcher: User, researcher_client: Client, tiny_study: Study, column: str
) -> None:
    picture = Picture.objects.filter(**{f"{column}__isnull": False})[0]
    address = reverse("stored_picture", args=[picture.digest])
    assert researcher_client.get(address).status_code == 404
    Study.objects.update(owner=researcher)
    assert researcher_client.get(address).status_code == 200


def test_a_decoy_is_shown_to_the_owner(researcher: User, researcher_client: Client, tiny_study: Study) -> None:
    decoy = Picture.objects.create(digest="d" * 64, width=8, height=8)
    default_storage.save(decoy.path, ContentFile(b"a decoy"))
    address = reverse("stored_picture", args=[decoy.digest])
    Study.objects.update(owner=researcher)
    assert researcher_client.get(address).status_code == 404
    Trial.objects.filter(key=Trial.objects.values("key")[:1]).update(kind="catch", expected="original", decoy=decoy)
    assert researcher_client.get(address).status_code == 200


def test_an_annotator_who_is_staff_still_gets_their_own_pictures(
    participation: Participation, annotator_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    User.objects.update(is_staff=True)
    token = assignments_draw(participation=participation, count=1)[0].token
    with django_assert_num_queries(4):
        assert annotator_client.get(reverse("picture", args=[token, "left"])).status_code == 200


def test_the_admin_is_closed_to_researchers_whatever_their_permissions(
    researcher: User, researcher_client: Client, tiny_study: Study
) -> None:
    researcher.user_permissions.set(Permission.objects.all())
    for name in ("index", "studies_study_changelist", "studies_response_changelist", "studies_user_changelist"):
        assert researcher_client.get(reverse(f"admin:{name}")).status_code == 302


def test_the_dashboard_is_for_researchers(annotator_client: Client, researcher_client: Client) -> None:
    assert annotator_client.get(reverse("dashboard")).status_code == 404
    assert researcher_client.get(reverse("dashboard")).status_code == 200
    assert Client().get(reverse("dashboard")).status_code == 302
