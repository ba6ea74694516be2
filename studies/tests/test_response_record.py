"""Recording answers, exactly once."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from studies.models import Assignment, Participation, Response, Study, Trial
from studies.selectors import current_responses
from studies.services import (
    InvalidAnswerError,
    Outcome,
    UnknownAssignmentError,
    assignments_draw,
    enrol,
    response_record,
)
from studies.tests.test_drawing import NewUser


def record(
    assignment: Assignment, choice: str = "left", revision: int = 1, uuid: UUID | None = None, rt_ms: float = 700.5
) -> Outcome:
    return response_record(
        annotator=assignment.participation.annotator,
        token=assignment.token,
        uuid=uuid or uuid4(),
        revision=revision,
        choice=choice,
        rt_ms=rt_ms,
        timing={"decode_ms": 3.5},
    ).outcome


@pytest.fixture
def drawn(participation: Participation) -> list[Assignment]:
    return assignments_draw(participation=participation, count=4)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("given", ["left", "right", "neither"])
def test_an_answer_is_translated_by_the_side(drawn: list[Assignment], side: str, given: str) -> None:
    Assignment.objects.filter(pk=drawn[0].pk).update(side=side)
    assert record(drawn[0], given) is Outcome.STORED
    response = Response.objects.get()
    expected = "neither" if given == "neither" else "finetuned" if given == side else "original"
    assert (response.given, response.choice) == (given, expected)
    assert (response.rt_ms, response.timing, response.revision) == (700.5, {"decode_ms": 3.5}, 1)


def test_the_same_answer_sent_again_is_kept_once(drawn: list[Assignment]) -> None:
    uuid = uuid4()
    assert record(drawn[0], uuid=uuid) is Outcome.STORED
    assert record(drawn[0], uuid=uuid) is Outcome.STORED_BEFORE
    assert Response.objects.count() == 1


def test_another_answer_at_the_same_revision_is_a_conflict(drawn: list[Assignment]) -> None:
    record(drawn[0], "left")
    assert record(drawn[0], "right") is Outcome.ANSWERED
    assert Response.objects.get().given == "left"


def test_a_uuid_cannot_be_used_for_another_choice(drawn: list[Assignment]) -> None:
    uuid = uuid4()
    record(drawn[0], "left", uuid=uuid)
    assert record(drawn[0], "right", uuid=uuid) is Outcome.ANSWERED


def test_a_uuid_cannot_be_used_for_another_assignment(drawn: list[Assignment]) -> None:
    uuid = uuid4()
    record(drawn[0], uuid=uuid)
    assert record(drawn[1], uuid=uuid) is Outcome.ANSWERED
    drawn[1].refresh_from_db()
    assert (drawn[1].state, drawn[1].revision) == ("live", 0)


def test_the_last_answer_can_be_changed_where_undo_is_allowed(drawn: list[Assignment]) -> None:
    record(drawn[0], "left")
    assert record(drawn[0], "right", revision=2) is Outcome.STORED
    assert list(Response.objects.values_list("revision", "given")) == [(1, "left"), (2, "right")]
    assert [response.given for response in current_responses(Study.objects.get())] == ["right"]


def test_an_earlier_answer_is_final(drawn: list[Assignment]) -> None:
    record(drawn[0])
    record(drawn[1])
    assert record(drawn[0], "right", revision=2) is Outcome.FINAL
    assert record(drawn[1], "right", revision=2) is Outcome.STORED


def test_no_answer_can_be_changed_where_undo_is_not_allowed(drawn: list[Assignment]) -> None:
    Study.objects.update(allow_undo=False)
    record(drawn[0])
    assert record(drawn[0], "right", revision=2) is Outcome.FINAL
    assert Response.objects.count() == 1


def test_a_retry_of_a_replaced_answer_is_still_acknowledged(drawn: list[Assignment]) -> None:
    uuid = uuid4()
    record(drawn[0], "left", uuid=uuid)
    record(drawn[0], "right", revision=2)
    assert record(drawn[0], "left", uuid=uuid) is Outcome.STORED_BEFORE


def test_a_revision_cannot_be_skipped(drawn: list[Assignment]) -> None:
    with pytest.raises(InvalidAnswerError, match="the next revision is 1, not 2"):
        record(drawn[0], revision=2)


@pytest.mark.parametrize("state", ["paused", "closed"])
def test_a_study_that_is_not_open_still_takes_answers_to_what_it_gave_out(drawn: list[Assignment], state: str) -> None:
    Study.objects.update(state=state)
    assert record(drawn[0]) is Outcome.STORED


def test_a_late_answer_to_a_released_assignment_counts(
    tiny_study: Study, drawn: list[Assignment], new_user: NewUser
) -> None:
    Assignment.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    assignments_draw(participation=enrol(study=tiny_study, annotator=new_user("other")), count=1)
    drawn[0].refresh_from_db()
    assert drawn[0].state == "released"
    before = Trial.objects.get(pk=drawn[0].trial_id).assigned
    assert record(drawn[0]) is Outcome.STORED
    drawn[0].refresh_from_db()
    assert drawn[0].state == "answered"
    assert Trial.objects.get(pk=drawn[0].trial_id).assigned == before + 1


def test_the_token_of_another_annotator_is_unknown(drawn: list[Assignment], new_user: NewUser) -> None:
    with pytest.raises(UnknownAssignmentError):
        response_record(
            annotator=new_user("thief"),
            token=drawn[0].token,
            uuid=uuid4(),
            revision=1,
            choice="left",
            rt_ms=1,
            timing={},
        )


def test_neither_is_refused_where_it_is_not_offered(drawn: list[Assignment]) -> None:
    Study.objects.update(offer_neither=False)
    with pytest.raises(InvalidAnswerError, match="'neither' is not offered; choose one of left, right"):
        record(drawn[0], "neither")


@pytest.mark.parametrize("rt_ms", [-1.0, float("nan"), float("inf")])
def test_an_impossible_reaction_time_is_refused(drawn: list[Assignment], rt_ms: float) -> None:
    with pytest.raises(InvalidAnswerError, match="rt_ms"):
        record(drawn[0], rt_ms=rt_ms)
    assert not Response.objects.exists()


def test_a_reaction_time_of_more_than_a_day_is_stored_as_given(drawn: list[Assignment]) -> None:
    assert record(drawn[0], rt_ms=1e9) is Outcome.STORED
    assert Response.objects.get().rt_ms == 1e9


def test_timing_of_any_size_is_refused(drawn: list[Assignment]) -> None:
    with pytest.raises(InvalidAnswerError, match="timing"):
        response_record(
            annotator=drawn[0].participation.annotator,
            token=drawn[0].token,
            uuid=uuid4(),
            revision=1,
            choice="left",
            rt_ms=1,
            timing={"frames": "x" * 9000},
        )
