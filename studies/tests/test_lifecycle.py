"""Opening, pausing, closing, archiving and copying studies."""

from collections.abc import Callable

import pytest

from studies.models import AuditEntry, Participation, Response, Study, Trial, User
from studies.services import CopyError, assignments_draw
from studies.services.lifecycle import (
    ArchivedStudyError,
    LifecycleError,
    study_archive,
    study_copy,
    study_set_state,
    study_unarchive,
)
from studies.tests.test_drawing import answer

NewUser = Callable[..., User]


@pytest.fixture
def researcher(new_user: NewUser) -> User:
    return new_user("researcher", is_admin=True)


def actions(study: Study) -> list[str]:
    return list(AuditEntry.objects.filter(study=study).order_by("pk").values_list("action", flat=True))


def test_a_change_of_state_is_in_the_log(tiny_study: Study, researcher: User) -> None:
    study_set_state(study=tiny_study, state="paused", actor=researcher)
    assert Study.objects.get().state == "paused"
    [entry] = AuditEntry.objects.all()
    assert (entry.actor, entry.action, entry.detail) == (researcher, "state_changed", {"from": "open", "to": "paused"})


def test_the_same_state_again_changes_nothing(tiny_study: Study, researcher: User) -> None:
    study_set_state(study=tiny_study, state="open", actor=researcher)
    assert actions(tiny_study) == []


def test_the_state_in_the_database_counts_and_not_the_one_in_hand(tiny_study: Study, researcher: User) -> None:
    Study.objects.update(state="closed")
    study_set_state(study=tiny_study, state="open", actor=researcher)
    assert AuditEntry.objects.get().detail == {"from": "closed", "to": "open"}


def test_an_unknown_state_is_refused(tiny_study: Study, researcher: User) -> None:
    with pytest.raises(LifecycleError, match='unknown state "deleted"'):
        study_set_state(study=tiny_study, state="deleted", actor=researcher)
    assert actions(tiny_study) == []


def test_a_paused_study_gives_out_nothing_and_takes_answers_on_the_way(
    participation: Participation, researcher: User
) -> None:
    [assignment] = assignments_draw(participation=participation, count=1)
    study_set_state(study=participation.study, state="paused", actor=researcher)
    answer(assignment)
    assert Response.objects.count() == 1
    assert assignment.pk not in [drawn.pk for drawn in assignments_draw(participation=participation, count=99)]


def test_an_archived_study_is_closed_and_only_read(tiny_study: Study, researcher: User) -> None:
    study_archive(study=tiny_study, actor=researcher)
    stored = Study.objects.get()
    assert (stored.state, stored.archived_at is None) == ("closed", False)
    with pytest.raises(ArchivedStudyError):
        study_set_state(study=tiny_study, state="open", actor=researcher)
    assert Study.objects.get().state == "closed"
    assert actions(tiny_study) == ["archived"]


def test_archiving_twice_is_archiving_once(tiny_study: Study, researcher: User) -> None:
    first = study_archive(study=tiny_study, actor=researcher)
    second = study_archive(study=tiny_study, actor=researcher)
    assert first.archived_at == second.archived_at
    assert actions(tiny_study) == ["archived"]


def test_a_study_comes_back_from_the_archive_closed(tiny_study: Study, researcher: User) -> None:
    study_archive(study=tiny_study, actor=researcher)
    study_unarchive(study=tiny_study, actor=researcher)
    study_unarchive(study=tiny_study, actor=researcher)
    stored = Study.objects.get()
    assert (stored.state, stored.archived_at) == ("closed", None)
    assert actions(tiny_study) == ["archived", "unarchived"]


def test_a_copy_is_the_actors_and_paused(participation: Participation, researcher: User) -> None:
    copy = study_copy(study=participation.study, slug="again", title="Again", actor=researcher)
    stored = Study.objects.get(slug="again")
    assert (stored.owner, stored.state, stored.title) == (researcher, "paused", "Again")
    assert Trial.objects.filter(study=copy).count() == 12
    assert not Participation.objects.filter(study=copy).exists()
    assert actions(participation.study) == ["copied"]
    assert actions(copy) == ["copied_from"]


def test_a_copy_under_a_name_that_is_taken_leaves_no_trace(tiny_study: Study, researcher: User) -> None:
    with pytest.raises(CopyError, match="is taken"):
        study_copy(study=tiny_study, slug="tiny", title="Again", actor=researcher)
    assert Study.objects.count() == 1
    assert not AuditEntry.objects.exists()


def test_an_archived_study_can_be_copied(tiny_study: Study, researcher: User) -> None:
    study_archive(study=tiny_study, actor=researcher)
    copy = study_copy(study=tiny_study, slug="again", title="Again", actor=researcher)
    assert copy.archived_at is None
