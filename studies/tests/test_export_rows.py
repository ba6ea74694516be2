"""The answers of a study as rows."""

import json
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from studies.exports.columns import COLUMNS, names
from studies.exports.responses import rows
from studies.exports.timing import timing_cells
from studies.models import Assignment, Participation, Response, Study, User
from studies.services import assignments_draw, enrol, response_record
from studies.services.previews import preview_start
from studies.services.quality import participation_exclude
from studies.tests.test_drawing import answer, draw_all

NewUser = Callable[..., User]
TIMING = {
    "painted_at": 1_700_000_000_000.5,
    "answered_at": 1_700_000_000_900.5,
    "gap_ms": None,
    "decode_ms": 12.3,
    "frame_ms": 16.7,
    "handler_delay_ms": 0.4,
    "input": "keyboard",
    "viewport": [1280, 720],
    "device_pixel_ratio": 2,
    "showings": 1,
    "hidden": 0,
    "hidden_ms": 0,
    "covered": 0,
    "covered_ms": 0,
    "blurred": 3,
}


def record(assignment: Assignment, **given: object) -> None:
    """Store an answer of a person who looked for 0.9 seconds."""
    body = {"revision": 1, "choice": "left", "rt_ms": 900.0, "timing": TIMING, **given}
    response_record(
        annotator=assignment.participation.annotator,
        token=assignment.token,
        uuid=uuid4(),
        **body,  # type: ignore[arg-type]
    )


def catch_answered(participation: Participation, expected: str, choice: str) -> None:
    """Let the annotator answer a catch trial."""
    trial = participation.study.trials.latest("key")
    trial.kind, trial.expected = "catch", expected
    trial.save()
    now = timezone.now()
    assignment = Assignment.objects.create(
        participation=participation,
        trial=trial,
        kind="catch",
        is_counted=False,
        position=90,
        side="left",
        state="answered",
        revision=1,
        answered_at=now,
        expires_at=now,
    )
    Response.objects.create(
        assignment=assignment, revision=1, uuid=uuid4(), given="left", choice=choice, rt_ms=700, timing={}
    )


def test_a_row_tells_the_answer_its_trial_and_its_annotator(participation: Participation) -> None:
    [assignment] = assignments_draw(participation=participation, count=1)
    record(assignment)
    [row] = rows(participation.study)
    pair = assignment.trial.pair
    assert tuple(row) == names("responses")
    assert row["row_id"] == str(Response.objects.get().uuid)
    assert row["study"] == "tiny"
    assert row["annotator"] == participation.code
    assert row["trial"] == assignment.trial.key
    assert row["image"] == pair.image.name
    assert (row["metric"], row["attributor"]) == (pair.condition.metric, pair.condition.attributor)
    assert (row["score_original"], row["score_finetuned"]) == (pair.score_original, pair.score_finetuned)
    assert row["given"] == "left"
    assert row["choice"] == ("finetuned" if assignment.side == "left" else "original")
    assert (row["kind"], row["position"], row["revision"], row["counts"]) == ("main", 1, 1, True)
    assert row["issued_at"] == assignment.issued_at
    assert row["answered_at"] == Response.objects.get().created_at
    assert row["rt_ms"] == 900
    assert (row["decode_ms"], row["blurred"], row["input"]) == (12.3, 3, "keyboard")
    assert (row["viewport_width"], row["viewport_height"]) == (1280, 720)
    assert row["timing_other"] is None


def test_flags_are_names_with_spaces_between_them(participation: Participation) -> None:
    answer(assignments_draw(participation=participation, count=1)[0])
    [row] = rows(participation.study)
    assert set(row["flags"].split(" ")) == set(Response.objects.get().flags)
    assert "times_missing" in row["flags"]


def test_only_the_last_revision_stands_unless_all_are_asked_for(participation: Participation) -> None:
    [assignment] = assignments_draw(participation=participation, count=1)
    record(assignment)
    record(assignment, revision=2, choice="neither")
    study = participation.study
    assert [(row["revision"], row["given"], row["is_current"]) for row in rows(study)] == [(2, "neither", True)]
    both = list(rows(study, all_revisions=True))
    assert [(row["revision"], row["is_current"], row["counts"]) for row in both] == [(1, False, False), (2, True, True)]


def test_answers_of_the_excluded_and_the_withdrawn_are_there_and_do_not_count(
    tiny_study: Study, new_user: NewUser
) -> None:
    excluded, withdrawn, other = (enrol(study=tiny_study, annotator=new_user(f"user{place}")) for place in range(3))
    for participation in (excluded, withdrawn, other):
        answer(assignments_draw(participation=participation, count=1)[0])
    participation_exclude(excluded, "no sense")
    Participation.objects.filter(pk=withdrawn.pk).update(state="withdrawn")
    told = {row["annotator"]: (row["state"], row["excluded"], row["counts"]) for row in rows(tiny_study)}
    assert told == {
        excluded.code: ("failed_checks", True, False),
        withdrawn.code: ("withdrawn", False, False),
        other.code: ("active", False, True),
    }


def test_previews_are_left_out(tiny_study: Study, new_user: NewUser) -> None:
    preview = preview_start(study=tiny_study, actor=new_user("researcher", is_admin=True))
    answer(assignments_draw(participation=preview, count=1)[0])
    assert list(rows(tiny_study, all_revisions=True, with_practice=True)) == []


@pytest.mark.parametrize(
    ("expected", "choice", "correct"),
    [("original", "original", True), ("original", "neither", False), ("neither", "both_bad", True)],
)
def test_catch_trials_say_whether_the_answer_is_right(
    participation: Participation, expected: str, choice: str, correct: bool
) -> None:
    catch_answered(participation, expected, choice)
    [row] = rows(participation.study)
    assert (row["kind"], row["expected"], row["correct"], row["counts"]) == ("catch", expected, correct, False)


def test_trials_without_a_known_answer_are_neither_right_nor_wrong(participation: Participation) -> None:
    answer(assignments_draw(participation=participation, count=1)[0])
    [row] = rows(participation.study)
    assert (row["expected"], row["correct"]) == (None, None)


def test_practice_is_left_out_unless_it_is_asked_for(participation: Participation) -> None:
    [assignment] = assignments_draw(participation=participation, count=1)
    answer(assignment)
    Assignment.objects.filter(pk=assignment.pk).update(kind="practice", round=2, is_counted=False)
    assert list(rows(participation.study)) == []
    [row] = rows(participation.study, with_practice=True)
    assert (row["kind"], row["round"], row["counts"]) == ("practice", 2, False)


def test_nothing_tells_who_the_annotators_are(tiny_study: Study, new_user: NewUser) -> None:
    user = new_user("anna.schmidt@example.org")
    draw_all(enrol(study=tiny_study, annotator=user))
    assert "anna" not in str(list(rows(tiny_study)))


def test_rows_take_three_queries(
    tiny_study: Study, new_user: NewUser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for place in range(2):
        draw_all(enrol(study=tiny_study, annotator=new_user(f"user{place}")))
    with django_assert_num_queries(3):
        assert len(list(rows(tiny_study))) == 24


def test_the_order_is_that_of_annotators_and_positions(tiny_study: Study, new_user: NewUser) -> None:
    participations = [enrol(study=tiny_study, annotator=new_user(f"user{place}")) for place in range(2)]
    for participation in reversed(participations):
        draw_all(participation)
    found = [(row["annotator"], row["position"]) for row in rows(tiny_study)]
    assert found == [(participation.code, place) for participation in participations for place in range(1, 13)]


TIMES = [column.name for column in COLUMNS["responses"]][-21:]


def cells(timing: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in zip(TIMES, timing_cells(timing), strict=True) if value is not None}


@pytest.mark.parametrize(
    "timing",
    [
        {"viewport": "wide"},
        {"viewport": [1, 2, 3]},
        {"viewport": [True, None]},
        {"showings": 2**63},
        {"showings": 1.5},
        {"hidden": True},
        {"decode_ms": "12"},
        {"input": 5},
        {"view": {"zoom": 2}},
        {"simulated": True},
        {"nested": {"deep": [1, {"x": None}]}},
    ],
)
def test_times_that_fit_no_column_are_kept_as_they_came(timing: dict[str, object]) -> None:
    found = cells(timing)
    assert list(found) == ["timing_other"]
    assert json.loads(str(found["timing_other"])) == timing


def test_changes_of_the_view_are_json() -> None:
    assert cells({"view": [{"control": "zoom", "value": 2, "ms": 40}]}) == {
        "view": '[{"control":"zoom","value":2,"ms":40}]'
    }
