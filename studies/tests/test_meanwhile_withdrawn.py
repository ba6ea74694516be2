"""Requests that were on their way when somebody withdrew and had everything deleted: they write nothing any more."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from studies.consistency import study_is_consistent
from studies.models import Assignment, PageRecord, Participation, QualityFinding
from studies.quality.observed import Session
from studies.selectors_quality import session_of
from studies.services import assignments_draw, protocol_set, quality
from studies.services.flow import flow_advance, participation_visit
from studies.services.places import practice_draw
from studies.services.withdrawal import participation_withdraw
from studies.tests.flow_studies import add_protocol, fresh, walk_to_trials
from studies.tests.protocols import FULL
from studies.tests.test_next_assignments_api import answer, ask


@pytest.fixture
def on_the_way(annotator_client: Client, participation: Participation) -> Participation:
    """A part in the study as a request has read it, whose annotator withdraws before the request goes on."""
    rule = {"rule": "median_rt_ms", "limit": 60_000.0, "action": "flag"}
    add_protocol(participation.study, quality=[rule])
    walk_to_trials(annotator_client)
    answer(annotator_client, ask(annotator_client, count=1)["assignments"][0]["token"])
    return fresh(participation)


def withdraw(participation: Participation) -> None:
    participation_withdraw(participation=fresh(participation), delete=True)


def test_nothing_is_drawn(on_the_way: Participation) -> None:
    withdraw(on_the_way)
    assert assignments_draw(participation=on_the_way, count=3) == []
    assert study_is_consistent(on_the_way.study) == []


def test_no_practice_is_drawn(participation: Participation) -> None:
    protocol_set(study=participation.study, text=FULL, name="full.toml")
    stale = fresh(participation)
    participation_visit(stale)
    withdraw(participation)
    assert practice_draw(stale, 1) == []
    assert not Assignment.objects.exists()
    assert study_is_consistent(participation.study) == []


def test_no_step_is_taken(on_the_way: Participation) -> None:
    withdraw(on_the_way)
    flow_advance(participation=on_the_way)
    assert not PageRecord.objects.exists()
    assert study_is_consistent(on_the_way.study) == []


def test_no_finding_is_written(on_the_way: Participation, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_and_be_overtaken(participation: Participation) -> Session:
        session = session_of(participation)
        withdraw(participation)
        return session

    monkeypatch.setattr(quality, "session_of", read_and_be_overtaken)
    quality.quality_review(on_the_way)
    assert not QualityFinding.objects.exists()
    assert study_is_consistent(on_the_way.study) == []


def test_no_visit_is_noted(on_the_way: Participation) -> None:
    on_the_way.last_seen_at = timezone.now() - timedelta(hours=1)
    withdraw(on_the_way)
    participation_visit(on_the_way)
    assert fresh(on_the_way).last_seen_at is None
