"""GET /studies/<slug>/done/ and GET, POST /studies/<slug>/withdraw/."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from studies.models import PageRecord, Participation, Response, User
from studies.services import enrol
from studies.services.finishing import participation_finish
from studies.tests.flow_studies import PAGES, add_protocol, answer_all, complete, fresh, step, walk_to_trials

DONE, WITHDRAW = "/studies/tiny/done/", "/studies/tiny/withdraw/"


def text(client: Client, address: str = DONE) -> str:
    reply = client.get(address)
    assert reply.status_code == 200
    return reply.content.decode()


@pytest.fixture
def started(annotator_client: Client, participation: Participation) -> Participation:
    """Who has begun with a protocol that hands out codes."""
    add_protocol(participation.study, *PAGES, recruitment={"code": {"screened_out": "SCREENED"}})
    step(annotator_client)
    return fresh(participation)


@pytest.mark.parametrize(
    ("outcome", "title"),
    [
        ("completed", "Thank you, that was everything"),
        ("failed_checks", "The study ends here for you"),
        ("screened_out", "Thank you for your interest"),
        ("over_quota", "The study is full"),
    ],
)
def test_every_outcome_has_its_own_words(
    annotator_client: Client, started: Participation, outcome: str, title: str
) -> None:
    participation_finish(started, outcome)
    assert f"<h1>{title}</h1>" in text(annotator_client)


def test_who_is_not_done_is_told_to_go_on(annotator_client: Client, started: Participation) -> None:
    assert 'href="/studies/tiny/">Continue</a>' in text(annotator_client)


def test_who_completed_has_a_code_of_their_own_to_take_away(annotator_client: Client, started: Participation) -> None:
    participation_finish(started, "completed")
    code = started.completion_code
    assert len(code) == 10
    for _visit in range(2):
        assert f">{code}</code>" in text(annotator_client)


def test_two_annotators_get_different_codes(started: Participation, new_user: Callable[..., User]) -> None:
    other = enrol(study=started.study, annotator=new_user("other"))
    Participation.objects.update(protocol=started.protocol)
    participation_finish(started, "completed")
    participation_finish(fresh(other), "completed")
    assert started.completion_code != fresh(other).completion_code != ""


def test_a_code_that_the_protocol_fixes_is_shown(annotator_client: Client, started: Participation) -> None:
    participation_finish(started, "screened_out")
    assert ">SCREENED</code>" in text(annotator_client)


def test_an_outcome_without_a_code_shows_none(annotator_client: Client, started: Participation) -> None:
    participation_finish(started, "failed_checks")
    assert 'id="completion-code"' not in text(annotator_client)


def test_who_was_cut_off_just_before_the_end_is_led_back_to_it(
    annotator_client: Client, started: Participation
) -> None:
    for page in started.spec.pages:
        PageRecord.objects.create(participation=started, key=page.key, kind=page.kind, uuid=uuid4())
    assert ">Continue</a>" in text(annotator_client)
    assert step(annotator_client)["step"]["outcome"] == "completed"
    assert "Thank you, that was everything" in text(annotator_client)


def test_an_end_is_final(started: Participation) -> None:
    assert participation_finish(started, "screened_out")
    assert not participation_finish(started, "completed")
    assert (started.state, started.completion_code) == ("screened_out", "SCREENED")


@pytest.mark.parametrize(
    ("outcome", "code"), [("completed", "GOOD"), ("screened_out", "OUT"), ("over_quota", "FULL"), ("withdrawn", "LEFT")]
)
def test_prolific_gets_its_people_back_with_the_code_of_their_outcome(
    annotator_client: Client, started: Participation, outcome: str, code: str
) -> None:
    codes = {"completed": "GOOD", "screened_out": "OUT", "over_quota": "FULL", "withdrawn": "LEFT"}
    protocol = add_protocol(started.study, *PAGES, recruitment={"prolific": codes})
    Participation.objects.update(protocol=protocol, source="prolific")
    if outcome == "withdrawn":
        annotator_client.post(WITHDRAW, {"answers": "delete"})
    else:
        participation_finish(fresh(started), outcome)
    page = text(annotator_client)
    assert f'href="https://app.prolific.com/submissions/complete?cc={code}"' in page
    assert "My studies" not in page


def test_prolific_gets_nobody_back_before_the_end(annotator_client: Client, started: Participation) -> None:
    protocol = add_protocol(started.study, *PAGES, recruitment={"prolific": {"completed": "GOOD"}})
    Participation.objects.update(protocol=protocol, source="prolific")
    page = text(annotator_client)
    assert "GOOD" not in page
    assert "prolific.com" not in page


def test_who_declined_reads_that_nothing_is_kept(annotator_client: Client, started: Participation) -> None:
    complete(annotator_client, step(annotator_client)["step"]["page"], {"accepted": False})
    page = text(annotator_client)
    assert "You have declined to take part" in page
    assert WITHDRAW not in page


def test_the_form_offers_to_keep_or_to_delete_and_changes_nothing_by_itself(
    annotator_client: Client, started: Participation
) -> None:
    page = text(annotator_client, WITHDRAW)
    assert 'value="keep"' in page
    assert 'value="delete"' in page
    assert fresh(started).state == "active"


def test_stopping_and_keeping_the_answers_can_be_followed_by_deleting_them(
    annotator_client: Client, started: Participation
) -> None:
    walk_to_trials(annotator_client)
    answer_all(annotator_client)
    reply = annotator_client.post(WITHDRAW, {"answers": "keep"})
    assert (reply.status_code, reply.headers["Location"]) == (302, DONE)
    assert Response.objects.count() == 12
    assert "can still have them deleted" in text(annotator_client)
    assert 'value="keep"' not in text(annotator_client, WITHDRAW)
    annotator_client.post(WITHDRAW, {"answers": "delete"})
    assert not Response.objects.exists()
    assert not PageRecord.objects.exists()
    assert "No answers of yours are kept" in text(annotator_client)
    assert "Nothing of yours is kept" in text(annotator_client, WITHDRAW)


@pytest.mark.parametrize("wish", [{}, {"answers": ""}, {"answers": "everything"}])
def test_without_a_choice_nothing_is_done(
    annotator_client: Client, started: Participation, wish: dict[str, str]
) -> None:
    reply = annotator_client.post(WITHDRAW, wish)
    assert reply.status_code == 400
    assert 'role="alert"' in reply.content.decode()
    assert fresh(started).state == "active"


def test_the_form_needs_a_csrf_token(started: Participation) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(started.annotator)
    assert client.post(WITHDRAW, {"answers": "delete"}).status_code == 403
    assert fresh(started).state == "active"


def test_those_who_take_no_part_get_404(started: Participation, staff_client: Client) -> None:
    assert staff_client.get(WITHDRAW).status_code == 404
    assert staff_client.post(WITHDRAW, {"answers": "delete"}).status_code == 404


def test_a_preview_has_nothing_to_withdraw(annotator_client: Client, started: Participation) -> None:
    Participation.objects.update(is_preview=True)
    assert annotator_client.get(WITHDRAW).status_code == 404
    assert WITHDRAW not in text(annotator_client)


def test_the_pages_are_in_the_language_of_the_protocol(annotator_client: Client, participation: Participation) -> None:
    add_protocol(participation.study, *PAGES, language="de")
    step(annotator_client)
    assert '<html lang="de">' in text(annotator_client)
    assert '<html lang="de">' in text(annotator_client, WITHDRAW)


@pytest.mark.parametrize(
    ("state", "words"), [("active", "Continue"), ("completed", "Finished, thank you"), ("withdrawn", "Ended")]
)
def test_the_list_of_studies_tells_what_became_of_each(
    annotator_client: Client, started: Participation, state: str, words: str
) -> None:
    Participation.objects.update(state=state)
    assert f">{words}<" in text(annotator_client, "/")


def test_the_list_of_studies_leads_back_to_pages_after_the_trials(
    annotator_client: Client, started: Participation
) -> None:
    walk_to_trials(annotator_client)
    answer_all(annotator_client)
    assert ">Continue<" in text(annotator_client, "/")


def test_who_came_from_prolific_and_has_no_code_to_take_back_is_told_to_return_the_submission(
    annotator_client: Client, participation: Participation
) -> None:
    add_protocol(participation.study, *PAGES, recruitment={"prolific": {"completed": "DONE"}})
    Participation.objects.update(source="prolific")
    step(annotator_client)
    participation_finish(fresh(participation), "failed_checks")
    assert "Please return your submission at Prolific" in text(annotator_client)


def test_who_has_a_code_to_take_back_is_told_nothing_of_returning(
    annotator_client: Client, participation: Participation
) -> None:
    add_protocol(participation.study, *PAGES, recruitment={"prolific": {"completed": "DONE"}})
    Participation.objects.update(source="prolific")
    step(annotator_client)
    participation_finish(fresh(participation), "completed")
    assert "Please return your submission" not in text(annotator_client)
