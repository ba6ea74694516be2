"""POST /api/v1/studies/<slug>/steps/next/."""

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from studies.models import Assignment, PageRecord, Participation, User
from studies.tests.flow_studies import (
    ABOUT_YOU,
    GOODBYE,
    STEPS,
    TRIALS,
    WELCOME,
    add_protocol,
    answer_all,
    complete,
    fresh,
    step,
    walk_to_trials,
)
from studies.tests.test_next_assignments_api import ask


def test_a_study_without_a_protocol_begins_with_its_trials(annotator_client: Client) -> None:
    assert step(annotator_client) == {
        "step": {"kind": "trials"},
        "place": {"index": 1, "of": 1},
        "progress": {"answered": 0, "total": 12},
        "state": "open",
        "participation_state": "active",
    }


def test_a_study_without_a_protocol_is_finished_when_all_is_answered(annotator_client: Client) -> None:
    answer_all(annotator_client)
    reply = step(annotator_client)
    assert reply["step"] == {"kind": "finished", "outcome": "completed", "url": "/studies/tiny/done/"}
    # More trials may come free for this annotator.
    assert reply["participation_state"] == "active"


def test_a_consent_is_given_out_as_html_with_the_digest_of_its_wording(
    annotator_client: Client, participation: Participation
) -> None:
    add_protocol(participation.study)
    reply = step(annotator_client)
    assert reply["place"] == {"index": 1, "of": 5}
    assert reply["step"] == {
        "kind": "page",
        "page": {
            "key": "consent",
            "kind": "consent",
            "title": "Consent",
            "html": "<p>Please <strong>agree</strong>.</p>\n",
            # sha256sum of the Markdown.
            "digest": "46f620800ba82463a57c9bb3b365b08b47c94368af5ccc168fd695f9a6e2a748",
            "fields": [],
            "plugin": None,
            "button": None,
            "accept": None,
            "decline": None,
            "least_seconds": 0,
        },
    }


def test_a_questionnaire_never_tells_which_answers_screen_out(
    annotator_client: Client, participation: Participation
) -> None:
    add_protocol(participation.study, ABOUT_YOU, TRIALS)
    page = step(annotator_client)["step"]["page"]
    assert [field["name"] for field in page["fields"]] == ["age", "sight", "remarks"]
    assert "screen" not in str(page)


def test_a_stock_plugin_comes_with_its_script_and_cleaned_parameters(
    annotator_client: Client, participation: Participation
) -> None:
    likert = {"kind": "plugin", "key": "likert", "title": "A scale", "plugin": "survey-likert"}
    parameters = {"preamble": "<b>Hello</b><script>alert(1)</script>"}
    add_protocol(participation.study, {**likert, "parameters": parameters}, TRIALS)
    assert step(annotator_client)["step"]["page"]["plugin"] == {
        "name": "survey-likert",
        "script": "/static/vendor/jspsych-plugins/survey-likert.js",
        "global": "jsPsychSurveyLikert",
        "parameters": {"preamble": "<b>Hello</b>"},
    }


def test_the_pages_come_in_order_and_then_the_end(annotator_client: Client, participation: Participation) -> None:
    add_protocol(participation.study)
    walk_to_trials(annotator_client)
    assert step(annotator_client)["step"] == {"kind": "trials"}
    answer_all(annotator_client)
    goodbye = step(annotator_client)["step"]["page"]
    assert goodbye["key"] == "goodbye"
    reply = complete(annotator_client, goodbye).json()
    assert reply["step"] == {"kind": "finished", "outcome": "completed", "url": "/studies/tiny/done/"}
    assert reply["participation_state"] == "completed"
    assert fresh(participation).finished_at is not None


def test_the_server_records_the_end_of_the_trials_once(annotator_client: Client, participation: Participation) -> None:
    add_protocol(participation.study, TRIALS, GOODBYE)
    step(annotator_client)
    answer_all(annotator_client)
    for _ in range(3):
        step(annotator_client)
    assert list(PageRecord.objects.values_list("key", "kind")) == [("trials", "trials")]


def test_asking_again_gives_the_same_step(annotator_client: Client, participation: Participation) -> None:
    add_protocol(participation.study)
    assert step(annotator_client) == step(annotator_client)


def test_the_first_step_pins_the_newest_protocol(annotator_client: Client, participation: Participation) -> None:
    add_protocol(participation.study, WELCOME, TRIALS)
    newest = add_protocol(participation.study)
    step(annotator_client)
    add_protocol(participation.study, GOODBYE, TRIALS)
    step(annotator_client)
    assert fresh(participation).protocol == newest


def test_who_has_trials_from_before_the_protocol_goes_on_without(
    annotator_client: Client, participation: Participation
) -> None:
    ask(annotator_client)
    Participation.objects.update(started_at=None)
    add_protocol(participation.study)
    assert step(annotator_client)["step"] == {"kind": "trials"}


def test_an_annotator_who_finds_every_place_taken_is_over_quota(
    annotator_client: Client, participation: Participation
) -> None:
    add_protocol(participation.study, TRIALS, GOODBYE)
    participation.study.trials.update(assigned=2)
    step(annotator_client)
    assert ask(annotator_client)["assignments"] == []
    assert step(annotator_client)["step"]["outcome"] == "over_quota"


def test_a_paused_study_keeps_its_annotators_where_they_are(
    annotator_client: Client, participation: Participation
) -> None:
    add_protocol(participation.study, TRIALS, GOODBYE)
    step(annotator_client)
    type(participation.study).objects.update(state="paused")
    reply = step(annotator_client)
    assert (reply["step"], reply["state"]) == ({"kind": "trials"}, "paused")


def test_those_who_take_no_part_get_404(participation: Participation, new_user: Callable[..., User]) -> None:
    client = Client()
    client.force_login(new_user("stranger"))
    assert client.post(STEPS, {}, content_type="application/json").status_code == 404


def test_reading_changes_nothing(annotator_client: Client) -> None:
    assert annotator_client.get(STEPS).status_code == 405


@pytest.mark.parametrize("state", ["withdrawn", "failed_checks", "screened_out", "over_quota"])
def test_a_participation_that_ended_stays_where_it_is(
    annotator_client: Client, participation: Participation, state: str
) -> None:
    add_protocol(participation.study)
    Participation.objects.update(state=state)
    reply = step(annotator_client)
    assert reply["step"] == {"kind": "finished", "outcome": state, "url": "/studies/tiny/done/"}
    assert not Assignment.objects.exists()


def test_a_step_takes_few_queries(
    annotator_client: Client, participation: Participation, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    add_protocol(participation.study)
    step(annotator_client)
    # Session, user, participation, completed pages, and two for the progress.
    with django_assert_max_num_queries(6):
        step(annotator_client)
