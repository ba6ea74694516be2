"""`manage.py apply_retention`: what was kept long enough goes, and nothing else."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from studies.models import ApiToken, ExternalIdentity, Participation, Response, Study, User
from studies.services import assignments_draw
from studies.services.previews import preview_start
from studies.services.retention import retention_apply
from studies.services.tokens import token_make
from studies.tests.test_drawing import answer

pytestmark = pytest.mark.django_db


def later(days: float) -> None:
    """Apply what holds so many days from now."""
    retention_apply(write=True, now=timezone.now() + timedelta(days=days))


def test_previews_go_with_their_answers_after_their_days(tiny_study: Study, settings: Settings) -> None:
    settings.RETENTION_DAYS_PREVIEWS = 90
    preview = preview_start(study=tiny_study, actor=User.objects.create(username="owner"))
    answer(assignments_draw(participation=preview, count=1)[0])
    later(89)
    assert Response.objects.count() == 1
    later(91)
    assert (Participation.objects.count(), Response.objects.count()) == (0, 0)


def test_answers_that_count_are_never_due(participation: Participation) -> None:
    answer(assignments_draw(participation=participation, count=1)[0])
    later(36500)
    assert Response.objects.count() == 1


@pytest.mark.parametrize(("days", "left"), [(29, "abc"), (31, "")])
def test_ids_are_emptied_after_their_days(
    participation: Participation, settings: Settings, days: int, left: str
) -> None:
    settings.RETENTION_DAYS_IDENTITIES = 30
    Participation.objects.update(state="completed", finished_at=timezone.now())
    ExternalIdentity.objects.create(
        study=participation.study, participation=participation, service="prolific", digest="d" * 64, external_id="abc"
    )
    later(days)
    found = ExternalIdentity.objects.get()
    assert found.external_id == left
    assert found.digest == "d" * 64


def test_ids_are_kept_unless_it_is_said_for_how_long(participation: Participation, settings: Settings) -> None:
    settings.RETENTION_DAYS_IDENTITIES = None
    Participation.objects.update(finished_at=timezone.now())
    ExternalIdentity.objects.create(
        study=participation.study, participation=participation, service="prolific", digest="d" * 64, external_id="abc"
    )
    later(36500)
    assert ExternalIdentity.objects.get().external_id == "abc"


def test_sessions_go_once_they_have_ended(participation: Participation, settings: Settings) -> None:
    settings.RETENTION_DAYS_SESSIONS = 1
    Client().force_login(participation.annotator)
    later(10)
    assert Session.objects.count() == 1
    later(16)
    assert Session.objects.count() == 0


def test_tokens_go_long_after_they_were_revoked(participation: Participation, settings: Settings) -> None:
    settings.RETENTION_DAYS_TOKENS = 90
    used, revoked = (token_make(user=participation.annotator, name=name)[0] for name in ("used", "revoked"))
    ApiToken.objects.filter(pk=revoked.pk).update(revoked_at=timezone.now())
    later(91)
    assert list(ApiToken.objects.all()) == [used]


def test_failed_log_ins_go_after_their_days(settings: Settings) -> None:
    settings.RETENTION_DAYS_LOG_INS = 7
    facts: dict[str, Any] = {"user_agent": "", "http_accept": "", "failures_since_start": 1}
    AccessAttempt.objects.create(username="x", ip_address="192.0.2.1", **facts)
    later(6)
    assert AccessAttempt.objects.count() == 1
    later(8)
    assert AccessAttempt.objects.count() == 0


def test_without_yes_it_only_counts(participation: Participation, capsys: pytest.CaptureFixture[str]) -> None:
    Client().force_login(participation.annotator)
    Session.objects.update(expire_date=timezone.now() - timedelta(days=30))
    call_command("apply_retention")
    said = capsys.readouterr().out
    assert "sessions that have ended: 1 due (after 1 days, RETENTION_DAYS_SESSIONS)" in said
    assert "ids at recruitment services: kept (RETENTION_DAYS_IDENTITIES is not set)" in said
    assert Session.objects.count() == 1
    call_command("apply_retention", "--yes")
    assert Session.objects.count() == 0
