"""Texts that are for everybody: also for those who are sent away before the end, and those who withdraw."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from studies.models import PageRecord, Participation
from studies.protocol.faults import ProtocolError
from studies.protocol.reading import read_protocol
from studies.services.quality import participation_exclude
from studies.services.withdrawal import participation_withdraw
from studies.tests.flow_studies import (
    ABOUT_ME,
    CONSENT,
    GOODBYE,
    PAGES,
    TRIALS,
    WELCOME,
    add_protocol,
    complete,
    fresh,
    step,
    walk_to_trials,
)
from studies.tests.test_next_assignments_api import ADDRESS, answer, ask

DEBRIEFING = {**GOODBYE, "key": "debriefing", "title": "Why", "always": True, "least_seconds": 30}
DONE = "/studies/tiny/done/"


@pytest.fixture
def on_the_way(annotator_client: Client, participation: Participation) -> Participation:
    """Who has answered a trial of a study with a page of thanks, and one about its purpose for everybody."""
    add_protocol(participation.study, *PAGES, DEBRIEFING, recruitment={"code": {"failed_checks": "FAILED"}})
    walk_to_trials(annotator_client)
    answer(annotator_client, ask(annotator_client)["assignments"][0]["token"])
    return fresh(participation)


def send_away(participation: Participation) -> None:
    participation_exclude(fresh(participation), "by hand")


def past_least_seconds() -> None:
    Participation.objects.update(finished_at="2020-01-01T00:00Z", started_at="2020-01-01T00:00Z")
    PageRecord.objects.update(completed_at="2020-01-01T00:00Z")


def test_who_is_sent_away_on_the_way_reads_what_is_for_everybody_and_nothing_else(
    annotator_client: Client, on_the_way: Participation
) -> None:
    send_away(on_the_way)
    reply = step(annotator_client)
    assert (reply["step"]["page"]["key"], reply["participation_state"]) == ("debriefing", "failed_checks")
    past_least_seconds()
    stored = complete(annotator_client, reply["step"]["page"])
    assert stored.status_code == 201
    assert stored.json()["step"] == {"kind": "finished", "outcome": "failed_checks", "url": DONE}
    assert fresh(on_the_way).completion_code == "FAILED"


def test_the_least_time_is_counted_from_the_end(annotator_client: Client, on_the_way: Participation) -> None:
    PageRecord.objects.update(completed_at="2020-01-01T00:00Z")
    send_away(on_the_way)
    assert complete(annotator_client, step(annotator_client)["step"]["page"]).status_code == 400


def test_the_debriefing_is_stored_once(annotator_client: Client, on_the_way: Participation) -> None:
    send_away(on_the_way)
    page, uuid = step(annotator_client)["step"]["page"], str(uuid4())
    past_least_seconds()
    codes = [complete(annotator_client, page, uuid=uuid).status_code for _ in range(3)]
    assert codes == [201, 200, 200]
    assert PageRecord.objects.filter(key="debriefing").count() == 1


@pytest.mark.parametrize("key", ["goodbye", "trials"])
def test_no_other_page_and_no_trial_is_open_to_those_who_were_sent_away(
    annotator_client: Client, on_the_way: Participation, key: str
) -> None:
    send_away(on_the_way)
    reply = complete(annotator_client, {"key": key, "digest": ""})
    assert (reply.status_code, reply.json()["code"]) == (409, "ended")
    assert annotator_client.post(ADDRESS, {}, content_type="application/json").json()["code"] == "ended"


def test_who_is_screened_out_before_any_trial_goes_at_once(
    annotator_client: Client, participation: Participation
) -> None:
    add_protocol(participation.study, *PAGES, DEBRIEFING)
    for answers in ({"accepted": True}, {}, {**ABOUT_ME, "sight": "poor"}):
        reply = complete(annotator_client, step(annotator_client)["step"]["page"], answers).json()
    assert reply["step"]["outcome"] == "screened_out"


def test_the_page_at_the_end_leads_to_the_debriefing_and_has_the_code_all_the_same(
    annotator_client: Client, on_the_way: Participation
) -> None:
    send_away(on_the_way)
    html = annotator_client.get(DONE).content.decode()
    assert "<h1>The study ends here for you</h1>" in html
    assert ">FAILED</code>" in html
    assert 'href="/studies/tiny/">Why</a>' in html


@pytest.mark.parametrize("delete", [True, False])
def test_who_withdraws_finds_the_debriefing_on_the_page_at_the_end_and_leaves_no_record_of_it(
    annotator_client: Client, on_the_way: Participation, delete: bool
) -> None:
    participation_withdraw(participation=on_the_way, delete=delete)
    before = PageRecord.objects.count()
    assert step(annotator_client)["step"]["outcome"] == "withdrawn"
    html = annotator_client.get(DONE).content.decode()
    assert "What it was about." in html
    assert PageRecord.objects.count() == before


def test_who_declines_is_told_nothing_of_the_purpose(annotator_client: Client, participation: Participation) -> None:
    add_protocol(participation.study, *PAGES, DEBRIEFING)
    complete(annotator_client, step(annotator_client)["step"]["page"], {"accepted": False})
    assert "What it was about." not in annotator_client.get(DONE).content.decode()


def test_a_text_for_everybody_comes_after_the_trials() -> None:
    text = """
    [[pages]]
    kind = "text"
    key = "why"
    title = "Why"
    markdown = "What it is about."
    always = true
    [[pages]]
    kind = "trials"
    """
    with pytest.raises(ProtocolError, match=r"pages\[0\]\.always: .* before the trials"):
        read_protocol(text, "study.toml")


def test_who_completes_the_study_reads_it_where_it_stands(
    annotator_client: Client, participation: Participation
) -> None:
    pages: list[dict[str, Any]] = [CONSENT, WELCOME, TRIALS, DEBRIEFING, GOODBYE]
    add_protocol(participation.study, *pages)
    for answers in ({"accepted": True}, {}):
        complete(annotator_client, step(annotator_client)["step"]["page"], answers)
    while assignments := ask(annotator_client)["assignments"]:
        for assignment in assignments:
            answer(annotator_client, assignment["token"])
    assert step(annotator_client)["step"]["page"]["key"] == "debriefing"
