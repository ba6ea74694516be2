"""Coming into a study from Prolific."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from studies.models import ExternalIdentity, LinkUse, Participation, Study, User
from studies.recruiting.prolific import identity_digest
from studies.services import copy_study, enrol
from studies.services.identities import identities_erase
from studies.services.lifecycle import study_archive
from studies.services.links import links_create
from studies.tests.flow_studies import PAGES, add_protocol, answer_all, complete, step, walk_to_trials

State, Source = Participation.State, Participation.Source

ANNA = "5f1e2d3c4b5a69788796a5b4"
BEN = "6a0b1c2d3e4f506172839405"
CODES = {"completed": "C1", "failed_checks": "C2", "screened_out": "C3", "over_quota": "C4", "withdrawn": "C5"}
BACK = "https://app.prolific.com/submissions/complete?cc="


def recruit(study: Study, **recruitment: Any) -> Study:
    add_protocol(study, *PAGES, recruitment={"prolific": CODES, **recruitment})
    return study


@pytest.fixture
def study(tiny_study: Study) -> Study:
    return recruit(tiny_study)


def ids(person: str = ANNA, **others: Any) -> dict[str, Any]:
    return {"PROLIFIC_PID": person, "STUDY_ID": "b" * 24, "SESSION_ID": "c" * 24, **others}


def come(person: str = ANNA, client: Client | None = None, to: str = "/studies/tiny/", **others: str) -> Client:
    """Come from Prolific and go in; returns the browser."""
    client = client or Client()
    page = client.get("/prolific/tiny/", ids(person, **others))
    assert page.status_code == 200
    hidden = {
        name: value for name, value in ids(person, **others).items() if f'value="{value}"' in page.content.decode()
    }
    reply = client.post("/prolific/tiny/", hidden)
    assert (reply.status_code, reply.headers["Location"]) == (302, to), reply.content
    return client


def done(client: Client) -> str:
    return client.get("/studies/tiny/done/").content.decode()


# Letting in


def test_somebody_from_prolific_goes_through_the_study_and_back_with_the_code(study: Study) -> None:
    client = come()
    walk_to_trials(client)
    answer_all(client)
    assert complete(client, step(client)["step"]["page"]).status_code == 201
    assert f'href="{BACK}C1"' in done(client)


def test_who_declines_goes_back_with_another_code_and_the_ids_are_gone(study: Study) -> None:
    client = come()
    assert complete(client, step(client)["step"]["page"], {"accepted": False}).status_code == 201
    assert f'href="{BACK}C5"' in done(client)
    assert ExternalIdentity.objects.get().external_id == ""


def test_the_page_for_people_from_prolific_changes_nothing(study: Study) -> None:
    for ask in (Client().get, Client().head):
        assert ask("/prolific/tiny/", ids()).status_code == 200
    counts = [model.objects.count() for model in (User, Participation, ExternalIdentity, Session)]
    assert counts == [0, 0, 0, 0]


def test_ids_in_the_address_of_a_post_let_nobody_in(study: Study) -> None:
    reply = Client().post("/prolific/tiny/?PROLIFIC_PID=a&STUDY_ID=b&SESSION_ID=c")
    assert reply.status_code == 400
    assert not Participation.objects.exists()


def test_a_post_from_another_site_lets_nobody_in(study: Study) -> None:
    assert Client(enforce_csrf_checks=True).post("/prolific/tiny/", ids()).status_code == 403


def test_the_ids_lie_in_one_table_alone(study: Study) -> None:
    come()
    identity = ExternalIdentity.objects.get()
    assert (identity.external_id, identity.external_study, identity.external_session) == (ANNA, "b" * 24, "c" * 24)
    assert identity.participation.source == Source.PROLIFIC
    assert ANNA not in f"{identity.participation.annotator.username} {identity.participation.code} {identity.digest}"
    assert not any(ANNA in str(session.get_decoded()) for session in Session.objects.all())


# Coming again


def test_the_same_id_is_the_same_part_on_every_device(study: Study) -> None:
    walk_to_trials(come())
    other = come()
    assert step(other)["step"]["kind"] == "trials"
    assert Participation.objects.count() == ExternalIdentity.objects.count() == User.objects.count() == 1


def test_the_same_id_in_other_letters_or_with_another_submission_is_the_same_person(study: Study) -> None:
    come()
    come(ANNA.upper(), SESSION_ID="d" * 24, STUDY_ID="e" * 24)
    assert Participation.objects.count() == 1


def test_who_comes_again_after_the_end_is_sent_back_with_the_same_code(study: Study) -> None:
    come()
    Participation.objects.update(state=State.COMPLETED, completion_code="C1")
    assert f'href="{BACK}C1"' in done(come(to="/studies/tiny/done/"))
    assert Participation.objects.count() == 1


def test_who_was_erased_is_known_but_not_by_name(study: Study) -> None:
    come()
    assert identities_erase(study=study) == 1
    come()
    identity = ExternalIdentity.objects.get()
    assert (identity.external_id, identity.external_study, identity.external_session) == ("", "", "")


def test_two_people_at_one_browser_are_two(study: Study) -> None:
    client = come()
    key = client.session.session_key
    come(BEN, client)
    assert Participation.objects.count() == 2
    assert not Session.objects.filter(session_key=key).exists()


def test_an_id_tells_nothing_about_another_study(study: Study) -> None:
    other = recruit(copy_study(study=study, slug="other"))
    assert identity_digest(study, ANNA) != identity_digest(other, ANNA)
    come()
    Participation.objects.update(state=State.SCREENED_OUT)
    reply = Client().post("/prolific/other/", ids())
    assert reply.headers["Location"] == "/studies/other/"
    assert set(Participation.objects.values_list("study__slug", "state")) == {
        ("tiny", "screened_out"),
        ("other", "active"),
    }


def test_the_digest_needs_the_sites_secret(study: Study, settings: Any) -> None:
    before = identity_digest(study, ANNA)
    settings.SECRET_KEY = "another secret"
    assert identity_digest(study, ANNA) != before


# Strange ids

STRANGE = [
    "",
    " ",
    "{{%PROLIFIC_PID%}}",
    "a" * 65,
    "a" * 1_000_000,
    "a\x00b",
    "a\n",
    "ａｂｃ",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "=HYPERLINK(1)",
    "ä" * 20,
]


@pytest.mark.parametrize("value", STRANGE, ids=range(len(STRANGE)))
@pytest.mark.parametrize("name", ["PROLIFIC_PID", "STUDY_ID", "SESSION_ID"])
def test_strange_ids_let_nobody_in_and_are_not_repeated(study: Study, name: str, value: str) -> None:
    for ask in (Client().get, Client().post):
        reply = ask("/prolific/tiny/", ids(**{name: value}))
        assert reply.status_code == 400
        assert name in reply.content.decode()
        assert "<script>alert" not in reply.content.decode()
    assert not Participation.objects.exists()


@pytest.mark.parametrize("name", ["PROLIFIC_PID", "STUDY_ID", "SESSION_ID"])
def test_a_missing_or_doubled_id_lets_nobody_in(study: Study, name: str) -> None:
    missing = {key: value for key, value in ids().items() if key != name}
    for sent in (missing, ids() | {name: ["a" * 24, "b" * 24]}):
        assert Client().post("/prolific/tiny/", sent).status_code == 400
    assert not Participation.objects.exists()


# Refusing


def test_a_full_study_sends_back_with_its_own_code_and_stays_full_for_them(tiny_study: Study) -> None:
    recruit(tiny_study, places=1)
    come(ANNA)
    ben = come(BEN, to="/studies/tiny/done/")
    assert f'href="{BACK}C4"' in done(ben)
    assert "The study is full" in done(ben)
    Participation.objects.filter(code="A01").update(state=State.WITHDRAWN)
    come(BEN, to="/studies/tiny/done/")
    assert Participation.objects.get(code="A02").state == State.OVER_QUOTA


def test_who_was_over_quota_gets_no_trials_by_asking_the_api(tiny_study: Study) -> None:
    recruit(tiny_study, places=1)
    come(ANNA)
    ben = come(BEN, to="/studies/tiny/done/")
    reply = ben.post("/api/v1/studies/tiny/assignments/next/", {"count": 1}, content_type="application/json")
    assert (reply.status_code, reply.json()["code"]) == (409, "ended")


def test_a_place_of_someone_who_went_away_is_given_on(tiny_study: Study) -> None:
    recruit(tiny_study, places=1, live_hours=1)
    come(ANNA)
    Participation.objects.update(last_seen_at=timezone.now() - timedelta(hours=2))
    come(BEN)
    come(ANNA, to="/studies/tiny/done/")


@pytest.mark.parametrize(("state", "text"), [("paused", "rests for now"), ("closed", "has ended")])
def test_a_study_that_is_not_open_lets_in_nobody_new_from_prolific(study: Study, state: str, text: str) -> None:
    come(ANNA)
    Study.objects.update(state=state)
    for ask in (Client().get, Client().post):
        reply = ask("/prolific/tiny/", ids(BEN))
        assert reply.status_code == 403
        assert text in reply.content.decode()
        assert "return your submission" in reply.content.decode()
    come(ANNA)
    assert Participation.objects.count() == 1


def test_an_archived_study_lets_in_nobody_new_from_prolific(study: Study) -> None:
    study_archive(study=study, actor=None)
    assert Client().post("/prolific/tiny/", ids()).status_code == 403


def test_a_study_that_does_not_recruit_there_is_as_unknown_as_one_that_is_none(tiny_study: Study) -> None:
    texts = {Client().post(f"/prolific/{slug}/", ids()).content for slug in ("tiny", "nothing")}
    assert len(texts) == 1
    add_protocol(tiny_study)
    for ask in (Client().get, Client().post):
        assert ask("/prolific/tiny/", ids()).status_code == 404


def test_a_researcher_from_prolific_is_asked_first(study: Study, staff_client: Client) -> None:
    reply = staff_client.post("/prolific/tiny/", ids())
    assert reply.status_code == 409
    assert "You are logged in as" in reply.content.decode()
    assert not Participation.objects.exists()
    leave = staff_client.session["_auth_user_id"]
    assert staff_client.post("/prolific/tiny/", ids(leave=leave)).status_code == 302
    assert Participation.objects.get().annotator.username.startswith("guest-")


def test_the_ids_are_told_to_no_other_site(study: Study) -> None:
    reply = Client().get("/prolific/tiny/", ids())
    assert reply.headers["Referrer-Policy"] == "strict-origin"
    assert 'action="/prolific/tiny/"' in reply.content.decode()


# What the database holds, whatever the site does


def test_the_database_takes_an_id_once_in_a_study(study: Study) -> None:
    come()
    second = enrol(study=study, annotator=User.objects.create(username="second"))
    digest = identity_digest(study, ANNA)
    with pytest.raises(IntegrityError, match=r"identity|UNIQUE"), transaction.atomic():
        ExternalIdentity.objects.create(study=study, participation=second, service="prolific", digest=digest)


def test_the_database_takes_each_number_of_a_link_once(study: Study) -> None:
    (link,) = links_create(study=study, kind="invitation")
    first, second = (enrol(study=study, annotator=User.objects.create(username=name)) for name in ("one", "two"))
    LinkUse.objects.create(link=link, participation=first, number=1)
    with pytest.raises(IntegrityError, match=r"number|UNIQUE"), transaction.atomic():
        LinkUse.objects.create(link=link, participation=second, number=1)
