"""What the metrics say of requests, answers, reports and builds, and what it costs to say it."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.contrib.auth import authenticate
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from analysis.models import ReportRun
from harmony_app.bounded import Bounded
from harmony_app.health_parts import PARTS
from harmony_app.metrics import state as scraped
from harmony_app.metrics.requests import view_name
from studies.models import Participation, Study, User
from studies.models.builds import Build, BuildStep
from studies.services import assignments_draw, response_record

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Bounded[Any]] = [*(part.bounded for part in PARTS), scraped._BROKER]
    for bounded in asked:
        # Nothing hangs here, and on a busy machine what takes no time may be late.
        monkeypatch.setattr(bounded, "_seconds", 60.0)
        bounded.forget()


def scrape(client: Client) -> Samples:
    reply = client.get("/metrics")
    assert reply.status_code == 200
    families = text_string_to_metric_families(reply.content.decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(samples: Samples, sample: str, /, **labels: str) -> float:
    return samples.get((sample, frozenset(labels.items())), 0.0)


def answer(participation: Participation) -> None:
    [assignment, *_] = assignments_draw(participation=participation, count=1)
    response_record(
        annotator=participation.annotator,
        token=assignment.token,
        uuid=uuid4(),
        revision=1,
        choice="left",
        rt_ms=900,
        timing={},
    )


@pytest.mark.django_db
def test_requests_are_counted_by_view_method_and_class_of_status(client: Client) -> None:
    labels = {"view": "login", "method": "GET", "status": "2xx"}
    before = scrape(client)
    client.get("/accounts/login/")
    client.get("/accounts/login/?next=/studies/secret/")
    after = scrape(client)
    assert (
        value(after, "harmony_request_seconds_count", **labels)
        - value(before, "harmony_request_seconds_count", **labels)
        == 2
    )
    assert value(after, "harmony_request_seconds_bucket", **labels, le="+Inf") >= 2


@pytest.mark.django_db
def test_made_up_addresses_and_methods_make_no_series_of_their_own(client: Client) -> None:
    for number in range(30):
        client.get(f"/no/such/page/{number}")
        client.generic(f"VERB{number}", "/accounts/login/")
    names = {frozenset(labels) for name, labels in scrape(client) if name == "harmony_request_seconds_count"}
    assert not any("VERB" in text or "such" in text for labels in names for pair in labels for text in pair)
    assert any(("view", "none") in labels for labels in names)
    assert any(("method", "other") in labels for labels in names)


@pytest.mark.parametrize(
    ("path", "expected"), [("/static/site/site.css", "static"), ("/nowhere", "none"), ("/statics", "none")]
)
def test_what_no_view_answered_has_one_of_two_names(path: str, expected: str) -> None:
    assert view_name(RequestFactory().get(path)) == expected


@pytest.mark.django_db
def test_drawn_trials_and_stored_answers_are_counted_once(client: Client, participation: Participation) -> None:
    before = scrape(client)
    answer(participation)
    after = scrape(client)
    served = value(after, "harmony_trials_served_total") - value(before, "harmony_trials_served_total")
    assert served == participation.assignments.count() > 0
    assert value(after, "harmony_responses_stored_total") - value(before, "harmony_responses_stored_total") == 1


@pytest.mark.django_db
def test_an_answer_that_is_sent_again_is_not_counted_again(client: Client, participation: Participation) -> None:
    [assignment, *_] = assignments_draw(participation=participation, count=1)
    uuid = uuid4()
    before = scrape(client)
    for _ in range(3):
        response_record(
            annotator=participation.annotator,
            token=assignment.token,
            uuid=uuid,
            revision=1,
            choice="left",
            rt_ms=900,
            timing={},
        )
    after = scrape(client)
    assert value(after, "harmony_responses_stored_total") - value(before, "harmony_responses_stored_total") == 1


@pytest.mark.django_db
def test_answers_are_told_by_study_as_long_as_it_is_open(client: Client, participation: Participation) -> None:
    answer(participation)
    assert value(scrape(client), "harmony_study_responses_stored_total", study="tiny") >= 1
    Study.objects.update(state=Study.State.CLOSED)
    samples = scrape(client)
    assert not [name for name, _ in samples if name.startswith("harmony_study_responses_stored")]
    assert value(samples, "harmony_responses_stored_total") >= 1


@pytest.mark.django_db
def test_previews_are_no_answers(client: Client, participation: Participation) -> None:
    Participation.objects.update(is_preview=True)
    participation.refresh_from_db()
    before = scrape(client)
    answer(participation)
    assert value(scrape(client), "harmony_responses_stored_total") == value(before, "harmony_responses_stored_total")


@pytest.mark.django_db
def test_pictures_that_were_sent_are_counted_and_refused_ones_are_not(
    client: Client, annotator_client: Client, participation: Participation
) -> None:
    [assignment, *_] = assignments_draw(participation=participation, count=1)
    before = scrape(client)
    assert annotator_client.get(f"/pictures/{assignment.token}/left").status_code == 200
    assert client.get(f"/pictures/{assignment.token}/left").status_code == 404
    after = scrape(client)
    assert value(after, "harmony_pictures_served_total") - value(before, "harmony_pictures_served_total") == 1


@pytest.mark.django_db
def test_refused_log_ins_are_counted_without_names(client: Client, new_user: Callable[..., User]) -> None:
    new_user("someone-real")
    before = scrape(client)
    authenticate(RequestFactory().post("/accounts/login/"), username="someone-real", password="wrong")
    reply = client.get("/metrics")
    assert b"someone" not in reply.content
    count = "harmony_log_ins_refused_total"
    assert value(scrape(client), count, reason="credentials") - value(before, count, reason="credentials") == 1


@pytest.mark.django_db
def test_reports_and_builds_are_told_by_state(client: Client, tiny_study: Study) -> None:
    ReportRun.objects.create(study=tiny_study, version="v", state=ReportRun.State.RUNNING)
    build = Build.objects.create(
        name="maps", title="Maps", config="", file_name="a.toml", state=Build.State.RUNNING, attempt=2
    )
    states = [BuildStep.State.DONE, BuildStep.State.DONE, BuildStep.State.DONE, BuildStep.State.RUNNING]
    for number, state in enumerate(states):
        BuildStep.objects.create(
            build=build, attempt=2, kind=BuildStep.Kind.CHUNK, name=str(number), output=str(number), state=state
        )
    # Of an earlier attempt, which says nothing of this one.
    BuildStep.objects.create(build=build, attempt=1, kind=BuildStep.Kind.PLAN, name="plan", output="plan")
    samples = scrape(client)
    assert value(samples, "harmony_report_runs", state="running") == 1
    assert value(samples, "harmony_report_runs", state="failed") == 0
    assert value(samples, "harmony_builds", state="running") == 1
    assert value(samples, "harmony_build_progress", build=str(build.key), name="maps") == 0.75
    assert value(samples, "harmony_database_up") == 1


@pytest.mark.django_db
@pytest.mark.parametrize("builds", [1, 12])
def test_a_scrape_takes_five_queries_however_much_there_is(client: Client, builds: int) -> None:
    for number in range(builds):
        Build.objects.create(name=f"b{number}", title="B", config="", file_name="a.toml", state=Build.State.RUNNING)
    client.get("/metrics")
    with CaptureQueriesContext(connection) as queries:
        client.get("/metrics")
    assert len(queries) == 5, [query["sql"] for query in queries]


@pytest.mark.django_db
def test_queues_are_read_from_redis(client: Client, settings: Settings, redis_url: str) -> None:

    settings.CELERY_BROKER_URL = redis_url
    with redis.Redis.from_url(redis_url) as broker:
        broker.delete("gpu")
        broker.rpush("gpu", "one", "two", "three")
        samples = scrape(client)
        broker.delete("gpu")
    assert value(samples, "harmony_queue_tasks", queue="gpu") == 3
    assert value(samples, "harmony_broker_up") == 1
    assert value(samples, "harmony_workers_seen", queue="gpu") == 0
