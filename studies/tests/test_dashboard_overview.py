"""The list of studies and the overview of one: right numbers, few queries."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from studies.dashboard.projection import Fill
from studies.dashboard.selectors import StudyNumbers, annotator_rows, people, study_numbers, study_rows
from studies.models import Assignment, Condition, Participation, QualityFinding, Response, Study, User
from studies.services import assignments_draw, copy_study, enrol
from studies.services.lifecycle import study_archive
from studies.services.previews import preview_start
from studies.tests.test_drawing import answer, draw_all

NewUser = Callable[..., User]
PAGES = ("dashboard_study", "dashboard_numbers", "dashboard_annotators")


def numbers_of(study: Study) -> StudyNumbers:
    return study_numbers(Study.objects.get(pk=study.pk), now=timezone.now())


def test_answers_and_those_under_way_are_told_apart(participation: Participation) -> None:
    for assignment in assignments_draw(participation=participation, count=5)[:3]:
        answer(assignment)
    live = Assignment.objects.filter(state="live").count()
    assert numbers_of(participation.study).fill == Fill(answered=3, live=live, wanted=24)


def test_the_conditions_add_up_to_the_study(participation: Participation, new_user: NewUser) -> None:
    second = enrol(study=participation.study, annotator=new_user("second"))
    for assignment in assignments_draw(participation=participation, count=7):
        answer(assignment)
    for assignment in assignments_draw(participation=second, count=2):
        answer(assignment)
    found = numbers_of(participation.study)
    assert found.fill.answered == 9
    assert len(found.conditions) == Condition.objects.count() == 4
    for row in found.conditions:
        of_condition = Assignment.objects.filter(trial__pair__condition=row.pk, is_counted=True)
        assert row.fill.answered == of_condition.filter(state="answered").count()
        assert row.fill.live == of_condition.filter(state="live").count()
        assert row.fill.wanted == 6


def test_medians_are_those_of_the_answers_that_stand(participation: Participation) -> None:
    first, second, third = assignments_draw(participation=participation, count=3)
    for assignment, milliseconds in ((first, 1000), (second, 3000), (third, 8000)):
        answer(assignment)
        Response.objects.filter(assignment=assignment).erase()
        Response.objects.create(
            assignment=assignment,
            revision=1,
            uuid=f"{assignment.pk:032}",
            given="left",
            choice="original",
            rt_ms=milliseconds,
        )
    # The third was changed: its first time does not count.
    Response.objects.create(assignment=third, revision=2, uuid="f" * 32, given="left", choice="original", rt_ms=4000)
    Assignment.objects.filter(pk=third.pk).update(revision=2)
    found = numbers_of(participation.study)
    assert found.median_ms == 3000
    assert found.annotators[0].median_ms == 3000
    assert sorted(row.median_ms for row in found.conditions if row.median_ms) == [1000, 3000, 4000]


def test_an_answer_that_came_too_late_has_no_time(participation: Participation) -> None:
    [assignment] = assignments_draw(participation=participation, count=1)
    answer(assignment)
    Response.objects.filter(assignment=assignment).erase()
    Response.objects.create(
        assignment=assignment, revision=1, uuid="f" * 32, given="timeout", choice="timeout", rt_ms=9000
    )
    found = numbers_of(participation.study)
    assert found.median_ms is None
    assert found.annotators[0].median_ms is None
    assert [row.choice for row in found.recent] == ["timeout"]


def test_previews_are_nowhere(tiny_study: Study, new_user: NewUser) -> None:
    preview = preview_start(study=tiny_study, actor=new_user("researcher", is_admin=True))
    for assignment in assignments_draw(participation=preview, count=3):
        answer(assignment)
    QualityFinding.objects.create(participation=preview, rule="median_rt_ms", value=1, limit=2, action="flag")
    found = numbers_of(tiny_study)
    assert (found.people.all, found.recent, found.findings_in_all, found.median_ms) == (0, [], 0, None)
    assert len(annotator_rows(tiny_study)) == 0
    assert study_rows([tiny_study])[0].annotators == 0


def test_people_are_counted_once_by_what_became_of_them(tiny_study: Study, new_user: NewUser) -> None:
    for number, (state, is_excluded) in enumerate(
        [("active", False), ("completed", False), ("completed", True), ("failed_checks", True), ("withdrawn", False)]
    ):
        user = new_user(f"user-{number}")
        enrol(study=tiny_study, annotator=user)
        Participation.objects.filter(annotator=user).update(state=state, is_excluded=is_excluded)
    found = people(tiny_study)
    assert (found.active, found.completed, found.excluded, found.withdrawn, found.all) == (1, 1, 2, 1, 5)


@pytest.mark.parametrize(
    ("state", "codes"), [("", 3), ("active", 1), ("excluded", 1), ("flagged", 2), ("withdrawn", 0)]
)
def test_annotators_can_be_filtered(tiny_study: Study, new_user: NewUser, state: str, codes: int) -> None:
    first, second, third = (enrol(study=tiny_study, annotator=new_user(f"user-{number}")) for number in range(3))
    Participation.objects.filter(pk=second.pk).update(is_excluded=True)
    Participation.objects.filter(pk=third.pk).update(state="completed")
    for participation, rule in ((first, "fast_share"), (first, "median_rt_ms"), (second, "fast_share")):
        QualityFinding.objects.create(participation=participation, rule=rule, value=1, limit=2, action="flag")
    assert len(annotator_rows(tiny_study, state=state)) == codes
    assert len(annotator_rows(tiny_study, state=state)[:10]) == codes


def test_those_who_answered_last_come_first(tiny_study: Study, new_user: NewUser) -> None:
    rows = [enrol(study=tiny_study, annotator=new_user(f"user-{number}")) for number in range(3)]
    for participation in (rows[1], rows[0]):
        answer(assignments_draw(participation=participation, count=1)[0])
    assert [row.participation.code for row in annotator_rows(tiny_study)[:9]] == ["A01", "A02", "A03"]
    answer(assignments_draw(participation=rows[1], count=1)[0])
    assert [row.participation.code for row in annotator_rows(tiny_study)[:9]] == ["A02", "A01", "A03"]


def test_the_last_twenty_answers_are_shown_newest_first(participation: Participation, new_user: NewUser) -> None:
    draw_all(participation)
    draw_all(enrol(study=participation.study, annotator=new_user("second")))
    found = numbers_of(participation.study)
    assert len(found.recent) == 20
    times = [row.at for row in found.recent if row.at is not None]
    assert times == sorted(times, reverse=True)
    assert len(times) == 20


def test_the_projection_is_of_answers_that_fill_places(participation: Participation) -> None:
    now = timezone.now()
    for number, assignment in enumerate(assignments_draw(participation=participation, count=12)):
        answer(assignment)
        Assignment.objects.filter(pk=assignment.pk).update(answered_at=now - timedelta(minutes=2 * number))
    assert numbers_of(participation.study).projection is None
    copy = copy_study(study=participation.study, slug="copy")
    assert numbers_of(copy).projection is None


def test_the_list_leaves_out_what_is_archived(staff_client: Client, tiny_study: Study) -> None:
    copy_study(study=tiny_study, slug="copy")
    study_archive(study=tiny_study, actor=None)
    assert [row.study.slug for row in staff_client.get(reverse("dashboard")).context["rows"]] == ["copy"]
    archived = staff_client.get(reverse("dashboard"), {"archived": ""})
    assert [row.study.slug for row in archived.context["rows"]] == ["tiny"]


def test_the_list_takes_as_many_queries_for_six_studies_as_for_one(
    staff_client: Client,
    tiny_study: Study,
    participation: Participation,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    draw_all(participation)
    with django_assert_num_queries(6):
        staff_client.get(reverse("dashboard"))
    for number in range(5):
        enrol(study=copy_study(study=tiny_study, slug=f"copy-{number}"), annotator=participation.annotator)
    with django_assert_num_queries(6):
        assert len(staff_client.get(reverse("dashboard")).context["rows"]) == 6


@pytest.mark.parametrize("name", PAGES)
def test_a_page_takes_no_more_queries_for_more_rows(
    staff_client: Client, participation: Participation, new_user: NewUser, name: str
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert staff_client.get(reverse(name, args=["tiny"])).status_code == 200
        return len(captured)

    answer(assignments_draw(participation=participation, count=1)[0])
    QualityFinding.objects.create(participation=participation, rule="fast_share", value=1, limit=2, action="flag")
    before = queries()
    for number in range(4):
        other = enrol(study=participation.study, annotator=new_user(f"user-{number}"))
        QualityFinding.objects.create(participation=other, rule="fast_share", value=1, limit=2, action="flag")
        draw_all(other)
    assert queries() == before
    assert before <= 17


def test_the_overview_says_that_it_is_too_early(staff_client: Client, tiny_study: Study) -> None:
    page = staff_client.get(reverse("dashboard_study", args=["tiny"])).content.decode()
    assert "Too early to say" in page
    assert "There are not enough answers from the past seven days yet." in page
    assert "Nobody takes part yet." in page


def test_the_numbers_alone_are_a_piece_of_the_page(staff_client: Client, tiny_study: Study) -> None:
    piece = staff_client.get(reverse("dashboard_numbers", args=["tiny"])).content.decode()
    assert "<html" not in piece
    assert "By condition" in piece
