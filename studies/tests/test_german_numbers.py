"""Numbers in German: with a comma where people read them, with a point where programs do."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from uuid import uuid4

import pytest
from django.template import engines
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from studies import numbers
from studies.dashboard.reaction_chart import Mark, reaction_chart
from studies.models import Build, BuildStep, Participation, QualityFinding, User
from studies.protocol.spec import FormField, Questionnaire
from studies.services import assignments_draw, response_record
from studies.services.audit import audit_write
from studies.services.page_answers import InvalidPageError, checked_answers
from studies.tests.build_pages import words
from studies.tests.build_site import BuildSite

GERMAN = {"accept-language": "de"}
WITH_POINT = re.compile(r"(?<![\w.,/-])\d+\.\d+(?![\w.])")
WITH_COMMA = re.compile(r"\d,\d")
OF_PROGRAMS = re.compile(
    r"value|max|min|step|width|height|viewbox|c[xy]|r|[xy][12]?|tabindex|rows|maxlength|datetime|href|id|data-.*"
)


class Numbers(HTMLParser):
    """Collects the numbers with a point that people read, and the attributes with a comma that programs read."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.read: list[str] = []
        self.wrong: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if OF_PROGRAMS.fullmatch(name) and WITH_COMMA.search(value or ""):
                self.wrong.append(f"{tag} {name}={value}")
            if name in ("aria-label", "title", "alt"):
                self.read += WITH_POINT.findall(value or "")

    def handle_data(self, data: str) -> None:
        self.read += WITH_POINT.findall(data)


@pytest.fixture
def researcher(participation: Participation) -> Client:
    """A researcher in whose study somebody has answered slowly, and meets a rule with a fraction not."""
    for place, assignment in enumerate(assignments_draw(participation=participation, count=3)):
        response_record(
            annotator=participation.annotator,
            token=assignment.token,
            uuid=uuid4(),
            revision=1,
            choice="left",
            rt_ms=2718.25 + place,
            timing={},
        )
    QualityFinding.objects.create(
        participation=participation, rule="fast_share", value=0.8349, limit=0.25, action="flag"
    )
    audit_write(study=participation.study, actor=None, action="settings_changed", detail={"from": 0.5, "version": 3})
    User.objects.filter(pk=participation.annotator.pk).update(is_staff=True, is_superuser=True)
    browser = Client()
    browser.force_login(participation.annotator)
    return browser


def german(client: Client, address: str) -> str:
    reply = client.get(address, headers=GERMAN)
    assert reply.status_code == 200
    return reply.content.decode()


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("dashboard_numbers", ["2,7 s", "Anteil schneller Antworten: 0,835", "0,25"]),
        ("dashboard_annotators", ["2,7 s"]),
        ("dashboard_annotator", ["2,7 s", "0,835", "0,3 s"]),
        ("dashboard_trial", ["0,250", "0,500", "2,7 s"]),
        ("dashboard_audit", ["von: 0,5", "Version: 3"]),
    ],
)
def test_a_page_of_a_study_writes_german_numbers_and_keeps_the_points_of_programs(
    researcher: Client, participation: Participation, name: str, written: list[str]
) -> None:
    given: dict[str, object] = {"slug": "tiny"}
    if name == "dashboard_annotator":
        given["code"] = participation.code
    if name == "dashboard_trial":
        answered = participation.assignments.exclude(state="live").first()
        assert answered is not None
        given["pk"] = answered.trial_id
    page = german(researcher, reverse(name, kwargs=given))
    found = Numbers(page)
    assert (found.read, found.wrong) == ([], [])
    assert [text for text in written if text not in words(page)] == []


def test_a_build_under_way_writes_german_numbers_and_keeps_the_points_of_programs(
    build_site: BuildSite, builder: User, client: Client
) -> None:
    build = build_site.start(builder)
    build_site.work(3)
    condition = {"name": "RMA", "steps": 10, "result": {"improved": True, "before": 0.2, "after": 0.25}}
    Build.objects.update(plan={"conditions": [condition], "images": 4000}, started_at=timezone.now())
    BuildStep.objects.filter(kind="chunk").delete()
    BuildStep.objects.create(
        build=build, attempt=1, kind="chunk", name="chunk:1", condition="RMA", output="a", images=4000, state="waiting"
    )
    BuildStep.objects.create(
        build=build, attempt=1, kind="chunk", name="chunk:2", condition="RMA", output="b", images=9, state="done",
        sent_at=timezone.now() - timedelta(seconds=6), finished_at=timezone.now(),
    )  # fmt: skip
    client.force_login(builder)
    for address in ("build", "build_progress"):
        page = german(client, reverse(address, args=[build.key]))
        assert re.search(r"1,\d Bilder/s", words(page))
        assert "9 von 4.009" in words(page)
        assert "0,200 0,250" in words(page)
        assert Numbers(page).wrong == []
        assert 'max="4009"' in page


def test_what_programs_ask_for_has_points_in_every_language(researcher: Client) -> None:
    exported = researcher.post(reverse("dashboard_export", args=["tiny", "responses.csv"]), headers=GERMAN)
    rows = list(csv.DictReader(io.StringIO(b"".join(exported).decode())))
    assert {float(row["rt_ms"]) for row in rows} == {2718.25, 2719.25, 2720.25}


def test_the_api_has_points_in_every_language(build_site: BuildSite, builder: User, client: Client) -> None:
    build = build_site.start(builder)
    client.force_login(builder)
    Build.objects.update(
        plan={"conditions": [{"name": "RMA", "steps": 1, "result": {"improved": True, "before": 0.2}}]}
    )
    told = json.loads(client.get(f"/api/v1/builds/{build.key}/", headers=GERMAN).content)
    assert '"before": 0.2' in json.dumps(told)


@pytest.mark.parametrize(
    ("write", "english", "in_german"),
    [
        (lambda: numbers.fixed(0.83, 3), "0.830", "0,830"),
        (lambda: numbers.fixed(-1234.5, 1), "−1234.5", "−1234,5"),
        (lambda: numbers.fixed(-0.001, 2), "0.00", "0,00"),
        (lambda: numbers.fixed(0.01, 2, signed=True), "+0.01", "+0,01"),
        (lambda: numbers.plain(1 / 3, 3), "0.333", "0,333"),
        (lambda: numbers.plain(0.1 + 0.2), "0.3", "0,3"),
        (lambda: numbers.plain(20.0), "20", "20"),
        (lambda: numbers.whole(4000), "4,000", "4.000"),
    ],
)
def test_numbers_are_written_as_the_language_does(write: Callable[[], str], english: str, in_german: str) -> None:
    assert write() == english
    with translation.override("de"):
        assert write() == in_german


def test_an_axis_is_labelled_with_commas_and_drawn_with_points() -> None:
    with translation.override("de"):
        chart = reaction_chart([Mark(1, 512.5, "main", False, "")], median_ms=512.5, title="", axis="")
    assert ">0,3 s<" in chart
    assert re.search(r'cy="\d+\.\d+"', chart)
    assert Numbers(chart).wrong == []


def test_a_limit_of_a_question_is_told_with_a_comma() -> None:
    field = FormField(name="dose", label="How much?", kind="number", minimum=0.5, maximum=2.5)
    page = Questionnaire(kind="questionnaire", key="q", title="Q", fields=(field,))
    with translation.override("de"), pytest.raises(InvalidPageError) as raised:
        checked_answers(page, {"dose": 2.75})
    assert "2,5" in str(raised.value.errors)
    with translation.override("de"):
        assert checked_answers(page, {"dose": 1.25}) == {"dose": 1.25}


def test_a_share_that_a_bar_is_drawn_by_is_a_whole_number() -> None:
    bar = engines["django"].from_string('{% load builds %}<progress max="1000" value="{{ share|thousandths }}">')
    with translation.override("de"):
        assert bar.render({"share": 0.4567}) == '<progress max="1000" value="456">'
