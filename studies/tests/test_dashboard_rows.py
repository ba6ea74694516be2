"""One annotator's session and one trial with its answers, as researchers see them."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from studies.dashboard.sessions import annotator_session, trial_answers
from studies.models import Assignment, PageRecord, Participation, QualityFinding, Response, Study, Trial, User
from studies.services import assignments_draw, copy_study, enrol
from studies.services.previews import preview_start
from studies.tests.test_drawing import answer, draw_all

NewUser = Callable[..., User]
XSS = '<script>alert("x")</script>'


def annotator_page(client: Client, code: str = "A01") -> str:
    response = client.get(reverse("dashboard_annotator", args=["tiny", code]))
    assert response.status_code == 200
    return response.content.decode()


def answers_at(participation: Participation, *minutes: float) -> list[Assignment]:
    """Answer a trial at each of these minutes after the participation was made."""
    drawn = assignments_draw(participation=participation, count=len(minutes))
    for assignment, minute in zip(drawn, minutes, strict=True):
        answer(assignment)
        at = participation.created_at + timedelta(minutes=minute)
        Assignment.objects.filter(pk=assignment.pk).update(answered_at=at)
    return drawn


def test_a_session_is_in_the_order_of_time(participation: Participation) -> None:
    begin = participation.created_at
    participation.started_at = begin + timedelta(minutes=1)
    participation.finished_at = begin + timedelta(minutes=9)
    participation.save()
    PageRecord.objects.create(
        participation=participation,
        key="consent",
        kind="consent",
        uuid="0" * 32,
        completed_at=begin + timedelta(minutes=2),
    )
    answers_at(participation, 3, 4)
    QualityFinding.objects.create(
        participation=participation,
        rule="fast_share",
        value=1,
        limit=0,
        action="flag",
        found_at=begin + timedelta(minutes=5),
    )
    kinds = [event.kind for event in annotator_session(participation).events]
    assert kinds == ["joined", "started", "page", "answer", "answer", "finding", "finished"]


def test_a_long_time_without_an_answer_is_a_break(participation: Participation) -> None:
    answers_at(participation, 1, 2, 12, 13)
    session = annotator_session(participation)
    assert [event.kind for event in session.events] == ["joined", "answer", "answer", "break", "answer", "answer"]
    [pause] = [event.pause for event in session.events if event.pause is not None]
    assert timedelta(minutes=9) < pause <= timedelta(minutes=10)
    assert session.breaks == 1


def test_an_answer_that_was_changed_shows_the_one_before(participation: Participation, staff_client: Client) -> None:
    [assignment] = answers_at(participation, 1)
    Response.objects.create(
        assignment=assignment, revision=2, uuid="f" * 32, given="neither", choice="neither", rt_ms=700
    )
    Assignment.objects.filter(pk=assignment.pk).update(revision=2)
    [given] = annotator_session(participation).answers
    assert given.response.revision == 2
    assert [earlier.revision for earlier in given.replaced] == [1]
    assert "changed once" in annotator_page(staff_client)


@pytest.mark.parametrize(
    ("expected", "choice", "is_right"),
    [
        ("original", "original", True),
        ("original", "finetuned", False),
        ("original", "timeout", False),
        ("neither", "equal", True),
        ("neither", "original", False),
    ],
)
def test_answers_to_trials_with_a_known_answer_are_right_or_wrong(
    participation: Participation, expected: str, choice: str, is_right: bool
) -> None:
    [assignment] = answers_at(participation, 1)
    assert annotator_session(participation).answers[0].is_right is None
    Trial.objects.filter(pk=assignment.trial_id).update(kind="catch", expected=expected)
    Response.objects.filter(assignment=assignment).erase()
    Response.objects.create(assignment=assignment, revision=1, uuid="f" * 32, given="left", choice=choice, rt_ms=700)
    assert annotator_session(participation).answers[0].is_right is is_right


@pytest.mark.parametrize(
    ("timing", "times"),
    [({}, 0), ({"hidden": 1, "blurred": 3}, 3), ({"hidden": "many"}, 0), ({"hidden": -4}, 0), ({"hidden": None}, 0)],
)
def test_what_a_browser_says_of_its_focus_is_not_trusted_to_be_a_count(
    participation: Participation, staff_client: Client, timing: dict[str, object], times: int
) -> None:
    [assignment] = answers_at(participation, 1)
    Response.objects.filter(assignment=assignment).erase()
    Response.objects.create(
        assignment=assignment, revision=1, uuid="f" * 32, given="left", choice="original", rt_ms=700, timing=timing
    )
    assert annotator_session(participation).times_hidden == times
    annotator_page(staff_client)


def test_what_annotators_write_is_shown_and_not_run(participation: Participation, staff_client: Client) -> None:
    [assignment] = answers_at(participation, 1)
    Response.objects.filter(assignment=assignment).erase()
    Response.objects.create(
        assignment=assignment,
        revision=1,
        uuid="f" * 32,
        given="left",
        choice="original",
        rt_ms=700,
        reason=XSS,
        flags=[XSS],
    )
    PageRecord.objects.create(
        participation=participation,
        key="about",
        kind="questionnaire",
        uuid="0" * 32,
        answers={XSS: XSS, "items": "a name of templates"},
    )
    for page in (
        annotator_page(staff_client),
        staff_client.get(reverse("dashboard_trial", args=["tiny", assignment.trial_id])).content.decode(),
    ):
        assert XSS not in page
        assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize("code", ["A02", "a01", "A01'--", "../A01", "%00", "A01\0", "x" * 500])
def test_a_code_that_nobody_has_is_404(participation: Participation, staff_client: Client, code: str) -> None:
    assert staff_client.get(f"/dashboard/tiny/annotators/{quote(code, safe='')}/").status_code == 404


def test_the_annotators_of_another_study_are_not_found_by_their_codes(
    participation: Participation, staff_client: Client
) -> None:
    copy_study(study=participation.study, slug="copy")
    assert staff_client.get(reverse("dashboard_annotator", args=["copy", "A01"])).status_code == 404


def test_the_chart_says_in_words_what_it_shows(participation: Participation, staff_client: Client) -> None:
    answers_at(participation, 1, 2)
    assert "Reaction times of A01: 2 answers, median" in annotator_page(staff_client)


def test_a_session_without_answers_has_no_chart(participation: Participation, staff_client: Client) -> None:
    page = annotator_page(staff_client)
    assert "Reaction times" not in page
    assert "Joined the study" in page


def test_a_preview_can_be_looked_at_and_not_excluded(tiny_study: Study, staff_client: Client) -> None:
    preview = preview_start(study=tiny_study, actor=User.objects.get(username="admin"))
    page = annotator_page(staff_client, preview.code)
    assert "preview" in page
    assert "/exclude/" not in page


def test_a_trial_shows_each_map_under_its_role(participation: Participation, staff_client: Client) -> None:
    trial = Trial.objects.order_by("key")[0]
    page = staff_client.get(reverse("dashboard_trial", args=["tiny", trial.pk])).content.decode()
    places = [
        page.index(reverse("stored_picture", args=[picture.digest]))
        for picture in (trial.pair.image.picture, trial.pair.original, trial.pair.finetuned)
    ]
    assert places == sorted(places)
    assert places[1] < page.index("<strong>original</strong>") < places[2] < page.index("<strong>finetuned</strong>")


def test_the_tally_of_a_trial_is_of_answers_that_count(participation: Participation, new_user: NewUser) -> None:
    [assignment] = answers_at(participation, 1)
    second = enrol(study=participation.study, annotator=new_user("second"))
    draw_all(second)
    trial = assignment.trial
    assert sum(number for _, number in trial_answers(trial).tally) == 2
    Assignment.objects.filter(participation=second).update(is_counted=False)
    found = trial_answers(trial)
    assert (len(found.answers), found.counted, sum(number for _, number in found.tally)) == (2, 1, 1)


def test_previews_are_not_among_the_answers_to_a_trial(tiny_study: Study, staff_client: Client) -> None:
    preview = preview_start(study=tiny_study, actor=User.objects.get(username="admin"))
    [assignment] = assignments_draw(participation=preview, count=1)
    answer(assignment)
    assert trial_answers(assignment.trial).answers == []


@pytest.mark.parametrize("pk", ["0", "999999", "9" * 30])
def test_a_trial_that_does_not_exist_is_404(staff_client: Client, tiny_study: Study, pk: str) -> None:
    assert staff_client.get(f"/dashboard/tiny/trials/{pk}/").status_code == 404


def test_a_trial_of_another_study_is_404(staff_client: Client, tiny_study: Study) -> None:
    copy = copy_study(study=tiny_study, slug="copy")
    foreign = Trial.objects.filter(study=copy)[0]
    assert staff_client.get(reverse("dashboard_trial", args=["tiny", foreign.pk])).status_code == 404


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ({}, 12),
        ({"kind": "main"}, 12),
        ({"kind": "catch"}, 0),
        ({"kind": "' OR 1=1"}, 12),
        ({"condition": "x"}, 12),
        ({"condition": "9" * 40}, 12),
        ({"search": "no such image"}, 0),
        ({"search": "\0"}, 12),
        ({"search": "%"}, 0),
        ({"page": "99"}, 12),
        ({"page": "-1"}, 12),
    ],
)
def test_trials_can_be_filtered_by_anything_that_an_address_may_say(
    staff_client: Client, tiny_study: Study, query: dict[str, str], number: int
) -> None:
    response = staff_client.get(reverse("dashboard_trials", args=["tiny"]), query)
    assert response.context["rows"].paginator.count == number


def test_trials_of_one_condition_are_its_own(staff_client: Client, tiny_study: Study) -> None:
    condition = tiny_study.conditions.order_by("pk")[0]
    rows = staff_client.get(reverse("dashboard_trials", args=["tiny"]), {"condition": condition.pk}).context["rows"]
    assert {trial.pair.condition for trial in rows} == {condition}
    assert rows.paginator.count == 3


@pytest.mark.parametrize("name", ["dashboard_annotator", "dashboard_trial", "dashboard_trials"])
def test_a_page_takes_no_more_queries_for_more_answers(
    staff_client: Client, participation: Participation, new_user: NewUser, name: str
) -> None:
    trial = Trial.objects.order_by("key")[0]
    arguments: dict[str, list[object]] = {
        "dashboard_annotator": ["A01"],
        "dashboard_trial": [trial.pk],
        "dashboard_trials": [],
    }
    address = reverse(name, args=["tiny", *arguments[name]])

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert staff_client.get(address).status_code == 200
        return len(captured)

    draw_all(enrol(study=participation.study, annotator=new_user("second")))
    answer(assignments_draw(participation=participation, count=1)[0])
    before = queries()
    draw_all(participation)
    assert queries() == before
    assert before <= 12


def test_times_are_read_as_they_were(participation: Participation) -> None:
    before = timezone.now()
    answer(assignments_draw(participation=participation, count=1)[0])
    [given] = annotator_session(participation).answers
    assert before <= given.at <= timezone.now()
