"""Coming into a study by a link."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from studies.models import AuditEntry, Link, LinkUse, Participation, Study, User
from studies.services.lifecycle import ArchivedStudyError, study_archive
from studies.services.links import LinkError, link_revoke, links_create
from studies.tests.flow_studies import PAGES, add_protocol, answer_all, complete, step, walk_to_trials

State, Source = Participation.State, Participation.Source


@pytest.fixture
def study(tiny_study: Study) -> Study:
    add_protocol(tiny_study)
    return tiny_study


def a_link(study: Study, kind: str = "open", **options: Any) -> Link:
    (link,) = links_create(study=study, kind=kind, **options)
    return link


def path_of(link: Link) -> str:
    return f"/join/{link.token}/"


def join(link: Link, client: Client | None = None, **body: str) -> Client:
    """Follow the link to the end; returns the browser."""
    client = client or Client()
    reply = client.post(path_of(link), body)
    assert (reply.status_code, reply.headers["Location"]) == (302, "/studies/tiny/"), reply.content
    return client


def user_of(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"])


# Letting in


def test_following_a_link_leads_through_the_study(study: Study) -> None:
    client = join(a_link(study))
    walk_to_trials(client)
    answer_all(client)
    assert complete(client, step(client)["step"]["page"]).status_code == 201
    participation = Participation.objects.get()
    assert (participation.state, participation.source, participation.code) == (State.COMPLETED, Source.OPEN, "A01")


def test_the_page_of_a_link_changes_nothing(study: Study) -> None:
    link = a_link(study)
    client = Client()
    for ask in (client.get, client.head):
        assert ask(path_of(link)).status_code == 200
    assert not User.objects.exists()
    assert not Participation.objects.exists()
    assert not LinkUse.objects.exists()
    assert not Session.objects.exists()


def test_a_post_from_another_site_lets_nobody_in(study: Study) -> None:
    assert Client(enforce_csrf_checks=True).post(path_of(a_link(study))).status_code == 403
    assert not Participation.objects.exists()


def test_the_account_of_a_newcomer_tells_nothing_and_has_no_password(study: Study) -> None:
    user = user_of(join(a_link(study, label="Maria")))
    assert user.username.startswith("guest-")
    assert not any(word in user.username for word in ("tiny", "a01", "maria"))
    assert not user.has_usable_password()
    assert not user.is_staff
    assert user.email == ""


def test_an_open_link_lets_in_every_browser_once(study: Study) -> None:
    link = a_link(study)
    first = join(link)
    join(link)
    join(link, first)
    assert sorted(LinkUse.objects.values_list("number", flat=True)) == [1, 2]


def test_a_second_link_into_the_same_study_goes_on_with_the_same_part(study: Study) -> None:
    client = join(a_link(study))
    join(a_link(study), client)
    assert Participation.objects.count() == 1


def test_an_invitation_goes_on_in_another_browser(study: Study) -> None:
    link = a_link(study, "invitation")
    here = join(link)
    walk_to_trials(here)
    there = join(link)
    assert user_of(here) == user_of(there)
    assert step(there)["step"]["kind"] == "trials"
    assert Participation.objects.get().source == Source.INVITATION


def test_an_invitation_leads_to_the_end_once_it_was_used_up(study: Study) -> None:
    link = a_link(study, "invitation")
    join(link)
    Participation.objects.update(state=State.COMPLETED)
    assert Client().post(path_of(link)).headers["Location"] == "/studies/tiny/done/"


def test_nothing_of_a_test_link_counts(study: Study) -> None:
    link = a_link(study, "test")
    join(link)
    participation = Participation.objects.get()
    assert (participation.is_preview, participation.source) == (True, Source.PREVIEW)
    assert participation.code == f"TEST-{link.pk}-1"


def test_a_test_that_has_ended_can_be_begun_again(study: Study) -> None:
    link = a_link(study, "test")
    client = join(link)
    Participation.objects.update(state=State.COMPLETED)
    join(link, client)
    assert Participation.objects.filter(state=State.ACTIVE).count() == 1


# Refusing


def refused(link: Link, status: int, text: str) -> None:
    """Hold that newcomers are told so, whether they look or try."""
    users = User.objects.count()
    for ask in (Client().get, Client().post):
        reply = ask(path_of(link))
        assert reply.status_code == status
        assert text in reply.content.decode()
    assert User.objects.count() == users


def test_a_link_that_was_never_made_leads_nowhere(db: None) -> None:
    for ask in (Client().get, Client().post):
        reply = ask("/join/abcdefghijklmnopqrstuvwxyz012345/")
        assert reply.status_code == 404
        assert "This link leads nowhere" in reply.content.decode()


def test_a_revoked_link_lets_nobody_in(study: Study) -> None:
    link = a_link(study)
    assert link_revoke(link=link)
    assert not link_revoke(link=link)
    refused(link, 410, "not valid any more")


def test_a_revoked_invitation_lets_its_holder_in_no_more_but_does_not_throw_them_out(study: Study) -> None:
    link = a_link(study, "invitation")
    client = join(link)
    link_revoke(link=link)
    refused(link, 410, "not valid any more")
    assert client.get("/studies/tiny/").status_code == 200


def test_an_expired_link_lets_in_nobody_new(study: Study) -> None:
    link = a_link(study, expires_at=timezone.now() + timedelta(hours=1))
    client = join(link)
    Link.objects.update(expires_at=timezone.now())
    refused(link, 410, "has expired")
    join(link, client)


def test_a_quota_is_kept(study: Study) -> None:
    link = a_link(study, quota=2)
    first = join(link)
    join(link)
    refused(link, 410, "The study is full")
    join(link, first)


@pytest.mark.parametrize(("state", "text"), [("paused", "rests for now"), ("closed", "has ended")])
def test_a_study_that_is_not_open_lets_in_nobody_new(study: Study, state: str, text: str) -> None:
    link = a_link(study)
    client = join(link)
    Study.objects.update(state=state)
    refused(link, 403, text)
    join(link, client)


@pytest.mark.parametrize("kind", Link.Kind.values)
def test_an_archived_study_lets_in_nobody_new(study: Study, kind: str) -> None:
    link = a_link(study, kind)
    study_archive(study=study, actor=None)
    refused(link, 403, "has ended")


def test_a_study_of_simulated_annotators_lets_in_no_people(study: Study) -> None:
    link = a_link(study)
    Study.objects.update(is_simulated=True)
    refused(link, 403, "has ended")


# Places


def with_places(study: Study, places: int, **recruitment: Any) -> Link:
    add_protocol(study, *PAGES, recruitment={"places": places, "live_hours": 2, **recruitment})
    return a_link(study)


def test_a_full_study_lets_in_nobody_new(tiny_study: Study) -> None:
    link = with_places(tiny_study, 1)
    join(link)
    refused(link, 403, "The study is full")


def test_a_full_study_tells_newcomers_its_code(tiny_study: Study) -> None:
    link = with_places(tiny_study, 1, code={"over_quota": "FULL-7"})
    join(link)
    refused(link, 403, "FULL-7")


@pytest.mark.parametrize(
    "changes",
    [
        {"is_excluded": True, "state": State.COMPLETED},
        {"state": State.WITHDRAWN},
        {"state": State.SCREENED_OUT},
        {"state": State.FAILED_CHECKS},
        {"last_seen_at": timezone.now() - timedelta(hours=3)},
        {"last_seen_at": None},
        {"is_preview": True},
    ],
)
def test_a_place_is_free_again(tiny_study: Study, changes: dict[str, Any]) -> None:
    link = with_places(tiny_study, 1)
    join(link)
    Participation.objects.update(**changes)
    join(link)


def test_who_completed_keeps_the_place(tiny_study: Study) -> None:
    link = with_places(tiny_study, 1)
    join(link)
    Participation.objects.update(state=State.COMPLETED, last_seen_at=timezone.now() - timedelta(days=9))
    refused(link, 403, "The study is full")


def test_who_did_nothing_and_comes_back_late_finds_the_study_full(tiny_study: Study) -> None:
    link = with_places(tiny_study, 1)
    early = join(link)
    Participation.objects.update(last_seen_at=timezone.now() - timedelta(hours=3))
    join(link)
    assert early.post(path_of(link)).headers["Location"] == "/studies/tiny/done/"
    assert Participation.objects.get(code="A01").state == State.OVER_QUOTA


def test_who_has_answered_trials_may_finish_also_when_others_took_the_place(tiny_study: Study) -> None:
    link = with_places(tiny_study, 1)
    early = join(link)
    walk_to_trials(early)
    answer_all(early)
    Participation.objects.update(last_seen_at=timezone.now() - timedelta(hours=3))
    join(link)
    join(link, early)
    assert Participation.objects.get(code="A01").state == State.ACTIVE


# Being logged in already


@pytest.fixture
def researcher(new_user: Callable[..., User]) -> Client:
    client = Client()
    client.force_login(new_user("researcher", is_admin=True))
    return client


def test_a_researcher_does_not_become_an_annotator_unasked(study: Study, researcher: Client) -> None:
    link = a_link(study)
    reply = researcher.post(path_of(link))
    assert reply.status_code == 409
    assert "You are logged in as <strong>researcher</strong>" in reply.content.decode()
    assert user_of(researcher).username == "researcher"
    assert not Participation.objects.exists()


def test_a_researcher_who_agrees_takes_part_as_somebody_else(study: Study, researcher: Client) -> None:
    mine = user_of(researcher)
    researcher.session["kept"] = "secret"
    join(a_link(study), researcher, leave=str(mine.pk))
    assert user_of(researcher) != mine
    assert "kept" not in researcher.session
    assert researcher.get("/dashboard/").status_code == 404


def test_to_agree_for_another_account_is_not_to_agree(study: Study, researcher: Client) -> None:
    assert researcher.post(path_of(a_link(study)), {"leave": "0"}).status_code == 409


def test_an_annotator_with_an_account_is_asked_too(study: Study, annotator_client: Client) -> None:
    assert annotator_client.post(path_of(a_link(study))).status_code == 409


def test_the_session_gets_another_key(study: Study) -> None:
    """Whoever planted a session in somebody's browser does not share their log-in."""
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key or ""
    client.cookies["sessionid"] = planted
    join(a_link(study), client)
    assert client.session.session_key != planted
    assert not Session.objects.filter(session_key=planted).exists()
    attacker = Client()
    attacker.cookies["sessionid"] = planted
    assert attacker.get("/studies/tiny/").status_code == 302


def test_a_guest_of_another_link_is_logged_out_there(study: Study) -> None:
    first, second = (a_link(study, "invitation") for _ in range(2))
    client = join(first)
    key = client.session.session_key
    join(second, client)
    assert Participation.objects.count() == 2
    assert not Session.objects.filter(session_key=key).exists()


# What others learn


def test_the_token_is_told_to_no_other_site(study: Study) -> None:
    reply = Client().get(path_of(a_link(study)))
    assert reply.headers["Referrer-Policy"] == "strict-origin"
    assert "no-store" in reply.headers["Cache-Control"]


def test_tokens_hold_192_random_bits(study: Study) -> None:
    links = links_create(study=study, kind="invitation", count=200)
    tokens = {link.token for link in links}
    assert len(tokens) == 200
    assert {len(token) for token in tokens} == {32}
    # No part of one tells the next: no two begin or end alike.
    assert len({token[:8] for token in tokens}) == len({token[-8:] for token in tokens}) == 200


def test_the_page_is_in_the_language_of_the_protocol(tiny_study: Study) -> None:
    add_protocol(tiny_study, *PAGES, language="de")
    assert '<html lang="de">' in Client().get(path_of(a_link(tiny_study))).content.decode()


# Making links


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "secret"}, "unknown kind"),
        ({"count": 0}, "Make 1 to 1000"),
        ({"count": 1001}, "Make 1 to 1000"),
        ({"quota": 0}, "for one person at least"),
        ({"kind": "invitation", "quota": 2}, "An invitation is for one person"),
        ({"expires_at": timezone.now()}, "has passed already"),
    ],
)
def test_links_are_not_made_that_would_not_work(study: Study, options: dict[str, Any], message: str) -> None:
    with pytest.raises(LinkError, match=message):
        links_create(**{"study": study, "kind": "open", **options})
    assert not Link.objects.exists()


def test_an_archived_study_gets_no_links(study: Study) -> None:
    study_archive(study=study, actor=None)
    with pytest.raises(ArchivedStudyError):
        a_link(study)


def test_the_log_says_that_links_were_made_and_neither_for_whom_nor_which(study: Study) -> None:
    link = a_link(study, "invitation", label="Maria Example")
    link_revoke(link=link)
    entries = list(AuditEntry.objects.order_by("pk"))
    assert [entry.action for entry in entries] == ["links_created", "link_revoked"]
    assert not any("Maria" in str(entry.detail) or link.token in str(entry.detail) for entry in entries)
