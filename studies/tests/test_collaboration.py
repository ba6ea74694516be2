"""Who owns a study, and who runs it with the owner."""

from collections.abc import Callable

import pytest

from studies.models import AuditEntry, Collaborator, Study, User
from studies.roles import may_manage, may_share
from studies.services.collaboration import CollaborationError, collaborator_add, collaborator_remove, owner_set
from studies.services.lifecycle import ArchivedStudyError, study_archive

NewUser = Callable[..., User]


@pytest.fixture
def new_researcher(new_user: NewUser) -> Callable[[str], User]:
    def make(name: str) -> User:
        user = new_user(name)
        user.is_staff = True
        user.save()
        return user

    return make


@pytest.fixture
def ada(new_researcher: Callable[[str], User], tiny_study: Study) -> User:
    """The owner of the tiny study."""
    user = new_researcher("ada")
    tiny_study.owner = user
    tiny_study.save()
    return user


@pytest.fixture
def bob(new_researcher: Callable[[str], User]) -> User:
    return new_researcher("bob")


def test_a_collaborator_runs_the_study_but_does_not_share_it(tiny_study: Study, ada: User, bob: User) -> None:
    collaborator_add(study=tiny_study, username=" bob ", actor=ada)
    assert may_manage(bob, tiny_study)
    assert not may_share(bob, tiny_study)
    assert AuditEntry.objects.get().detail == {"user": "bob"}


def test_adding_twice_is_adding_once(tiny_study: Study, ada: User, bob: User) -> None:
    for _ in range(2):
        collaborator_add(study=tiny_study, username="bob", actor=ada)
    assert Collaborator.objects.count() == 1
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize("name", ["nobody", "annotator", "", "former"])
def test_only_researchers_can_be_added_and_the_refusal_tells_no_more(
    tiny_study: Study, ada: User, new_user: NewUser, name: str
) -> None:
    new_user("annotator")
    former = new_user("former")
    User.objects.filter(pk=former.pk).update(is_staff=True, is_active=False)
    with pytest.raises(CollaborationError, match=f"There is no researcher of the name “{name}”"):
        collaborator_add(study=tiny_study, username=name, actor=ada)
    assert not Collaborator.objects.exists()


def test_the_owner_is_no_collaborator(tiny_study: Study, ada: User) -> None:
    with pytest.raises(CollaborationError, match="ada owns the study already"):
        collaborator_add(study=tiny_study, username="ada", actor=ada)


def test_a_removed_collaborator_sees_the_study_no_more(tiny_study: Study, ada: User, bob: User) -> None:
    collaborator_add(study=tiny_study, username="bob", actor=ada)
    assert collaborator_remove(study=tiny_study, username="bob", actor=ada)
    assert not may_manage(bob, tiny_study)
    assert not collaborator_remove(study=tiny_study, username="bob", actor=ada)
    assert AuditEntry.objects.filter(action="collaborator_removed").count() == 1


def test_who_hands_the_study_over_stays_as_a_collaborator(tiny_study: Study, ada: User, bob: User) -> None:
    collaborator_add(study=tiny_study, username="bob", actor=ada)
    owner_set(study=tiny_study, username="bob", actor=ada)
    study = Study.objects.get()
    assert study.owner == bob
    assert list(Collaborator.objects.values_list("user__username", flat=True)) == ["ada"]
    assert may_share(bob, study)
    assert not may_share(ada, study)


def test_a_study_without_an_owner_gets_one(tiny_study: Study, bob: User) -> None:
    owner_set(study=tiny_study, username="bob", actor=None)
    assert Study.objects.get().owner == bob
    assert AuditEntry.objects.get().detail == {"from": None, "to": "bob"}


def test_nobody_is_added_to_an_archived_study(tiny_study: Study, ada: User, bob: User) -> None:
    study_archive(study=tiny_study, actor=ada)
    with pytest.raises(ArchivedStudyError):
        collaborator_add(study=tiny_study, username="bob", actor=ada)
    with pytest.raises(ArchivedStudyError):
        owner_set(study=tiny_study, username="bob", actor=ada)
