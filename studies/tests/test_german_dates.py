"""The dashboard's dates in German: with a dot after the day, on every page that has dates."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from studies.models import Build, Link, Participation, User
from studies.services import assignments_draw
from studies.services.audit import audit_write
from studies.services.tokens import token_make
from studies.tests.test_drawing import answer

GERMAN = {"accept-language": "de-AT,de;q=0.9"}
AT = datetime(2026, 11, 22, 17, 37, 5, tzinfo=UTC)
MONTHS = "Jan|Feb|März|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez"
WITHOUT_DOT = re.compile(rf"\b\d\d? (?:{MONTHS}|[A-Z][a-z]{{2,8}} 20\d\d)")
WITH_DOT = re.compile(rf"\b\d\d?\. (?:{MONTHS})")
PAGES: dict[str, dict[str, str]] = {
    "builds": {},
    "build": {"key": ""},
    "api_tokens": {},
    "dashboard_numbers": {"slug": "tiny"},
    "dashboard_annotators": {"slug": "tiny"},
    "dashboard_annotator": {"slug": "tiny", "code": "A01"},
    "dashboard_links": {"slug": "tiny"},
    "dashboard_audit": {"slug": "tiny"},
    "dashboard_settings": {"slug": "tiny"},
}


@pytest.fixture
def researcher(participation: Participation) -> Client:
    """A researcher whose study has answers, a link and a log, with a build and a token."""
    user = participation.annotator
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    study = participation.study
    for assignment in assignments_draw(participation=participation, count=2):
        answer(assignment)
    Link.objects.create(study=study, kind="open", expires_at=timezone.now() + timedelta(days=3))
    audit_write(study=study, actor=user, action="state_changed", detail={"to": "open"})
    Build.objects.create(name="built", owner=user, state="failed", started_at=timezone.now())
    token_make(user=user, name="desk")
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_dashboard_writes_german_dates_in_german(researcher: Client, name: str) -> None:
    given = dict(PAGES[name])
    if "key" in given:
        given["key"] = str(Build.objects.get().key)
    response = researcher.get(reverse(name, kwargs=given), headers=GERMAN)
    assert response.status_code == 200
    page = response.content.decode()
    assert WITH_DOT.search(page)
    assert WITHOUT_DOT.findall(page) == []


@pytest.mark.parametrize(("code", "written"), [("de", "22. Nov. 17:37"), ("en", "22 Nov 17:37")])
def test_a_moment_is_written_as_its_language_does(code: str, written: str) -> None:
    with translation.override(code):
        assert f">{written}</time>" in render_to_string("dashboard/_time.html", {"at": AT})
